import type { Command } from 'commander';
import type { Begin } from '../program.js';
import { VERSION } from '../version.js';

/** `weir version`. */
export function versionCommand(program: Command, begin: Begin): void {
  program
    .command('version')
    .description('versions of Weir and Node.js')
    .addHelpText('after', '\nExample:\n  $ weir version --json')
    .action((_options: unknown, self: Command) => {
      const { output } = begin(self);
      const node = process.versions.node;
      output.result({ version: VERSION, node }, `weir ${VERSION} (Node.js ${node})`);
    });
}
