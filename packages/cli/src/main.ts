/** Entry point of the `weir` process. */
import { writeSync } from 'node:fs';
import { run } from './run.js';

const { env, stdin, stdout, stderr } = process;

// A reader that closes the pipe early, such as `head`, is not a failure.
let whenPipeBreaks = (): void => process.exit(0);
// A failed write, such as on a full disk, is reported on standard error.
let whenOutputFails = (error: Error): void => {
  writeSync(2, `weir: cannot write to standard output: ${error.message}\n`);
  process.exit(5);
};
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return whenPipeBreaks();
    if (stream === stdout) return whenOutputFails(error);
    process.exit(5);
  });
}

const onBrokenPipe = (handle: () => void) => {
  whenPipeBreaks = handle;
};
const onOutputFailure = (handle: (error: Error) => void) => {
  whenOutputFails = handle;
};
let isRestAbandoned = false;
const abandonRest = () => {
  isRestAbandoned = true;
};
const context = {
  env,
  cwd: process.cwd(),
  stdin,
  stdout,
  stderr,
  onBrokenPipe,
  onOutputFailure,
  abandonRest,
};
process.exitCode = await run(process.argv.slice(2), context);
if (isRestAbandoned) process.exit();
// A command that failed early may leave an open pipe, which would keep the process running.
stdin.destroy();
