import type { Command } from 'commander';
import { usageError } from '../cli-error.js';
import type { Begin } from '../program.js';

/** `weir env`: the connection as shell variables. */
export function envCommand(program: Command, begin: Begin): void {
  program
    .command('env')
    .description('server, project and credentials as variables, for curl and other programs')
    .addHelpText(
      'after',
      `
The variables are those that weir itself reads, so that later commands of the same shell use the same project.

Examples:
  $ eval "$(weir env)"
  $ weir env --json`,
    )
    .action(async (_options: unknown, self: Command) => {
      const invocation = begin(self);
      const { server, project, key, token } = await invocation.connection();
      if (project === null) {
        throw usageError(
          `no project is known for ${server}`,
          'Run this in the directory of a server that keeps its data in .weir, or make a profile with "weir login"',
        );
      }
      const variables = { WEIR_SERVER: server, WEIR_PROJECT: project, WEIR_KEY: key, WEIR_TOKEN: token };
      const known = Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== null);
      const lines = known.map(([name, value]) => `export ${name}=${quoted(value)}`);
      invocation.output.result(Object.fromEntries(known), lines.join('\n'));
    });
}

/** Quotes a word for any POSIX shell. */
function quoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}
