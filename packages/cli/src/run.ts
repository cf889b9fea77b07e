import { CommanderError } from 'commander';
import { CliError, EXIT_CODES } from './cli-error.js';
import { usageOf } from './commander-error.js';
import type { CliContext } from './invocation.js';
import { Output } from './output/output.js';
import { runProgram } from './program.js';

/**
 * Runs a command line.
 *
 * ```ts
 * process.exitCode = await run(process.argv.slice(2), context);
 * ```
 * @param args without interpreter and script
 * @returns the exit code, see cli-error.ts
 */
export async function run(args: readonly string[], context: CliContext): Promise<number> {
  try {
    await runProgram(args, context);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const failure = error instanceof CommanderError ? usageOf(error) : CliError.from(error);
    const output = new Output(context.stdout, context.stderr, {
      json: args.includes('--json'),
      debug: args.includes('--debug'),
      env: context.env,
    });
    if (!failure.isReported) output.failure(failure);
    return EXIT_CODES[failure.kind];
  }
}
