/** The `weir` command's process. */
import { run } from './run.js';

const { env, stdin, stdout, stderr } = process;

// A reader that has seen enough, such as `head`, is no failure.
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 5));
}

process.exitCode = await run(process.argv.slice(2), { env, cwd: process.cwd(), stdin, stdout, stderr });
// A command that failed early may leave a pipe that would keep the process waiting for its end.
stdin.destroy();
