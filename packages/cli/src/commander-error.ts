import type { CommanderError } from 'commander';
import { type CliError, usageError } from './cli-error.js';

/** What the parser of command lines found wrong, as an error of the command. */
export function usageOf({ code, message }: CommanderError): CliError {
  // Commander shows a group's help itself where its subcommand is missing.
  if (code === 'commander.help') return usageError('name a command', 'They are listed above');
  const [what = message, suggestion] = message.replace(/^error: /, '').split('\n');
  const next = suggestion?.replace(/^\(|\)$/g, '');
  return usageError(what, next ?? 'See "weir help"');
}
