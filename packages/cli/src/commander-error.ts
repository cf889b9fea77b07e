import type { CommanderError } from 'commander';
import { type CliError, usageError } from './cli-error.js';

/** Converts an error of the command-line parser. */
export function usageOf({ code, message }: CommanderError): CliError {
  // If a subcommand is missing, Commander prints the group's help itself.
  if (code === 'commander.help') return usageError('name a command', 'The commands are listed above');
  const [what = message, suggestion] = message.replace(/^error: /, '').split('\n');
  const next = suggestion?.replace(/^\(|\)$/g, '');
  return usageError(what, next ?? 'See "weir help"');
}
