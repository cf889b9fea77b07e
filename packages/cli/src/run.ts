import { CommanderError } from 'commander';
import { CliError, EXIT_CODES, usageError } from './cli-error.js';
import type { CliContext } from './invocation.js';
import { Output } from './output/output.js';
import { createProgram } from './program.js';

/** Words of a command line that need the server's settings; loading them takes the whole server. */
const NEEDS_SETTINGS = new Set(['serve', 'complete']);

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
    const isAsked = args.some((word) => NEEDS_SETTINGS.has(word));
    const settings = isAsked ? (await import('@weir/server')).settings() : [];
    await createProgram(settings, context).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const failure = error instanceof CommanderError ? usageOf(error) : CliError.from(error);
    const output = new Output(context.stdout, context.stderr, {
      json: args.includes('--json'),
      debug: args.includes('--debug'),
    });
    output.failure(failure);
    return EXIT_CODES[failure.kind];
  }
}

function usageOf({ code, message }: CommanderError): CliError {
  // Commander shows a group's help itself where its subcommand is missing.
  if (code === 'commander.help') return usageError('name a command', 'They are listed above');
  const [what = message, suggestion] = message.replace(/^error: /, '').split('\n');
  const next = suggestion?.replace(/^\(|\)$/g, '');
  return usageError(what, next ?? 'See "weir help"');
}
