import type { Command } from 'commander';
import { formatTable } from '../output/table.js';
import type { Begin } from '../program.js';
import { loadSettings } from '../serve/settings.js';

/** `weir config`: the settings of a server started in this directory. */
export function configCommand(program: Command, begin: Begin): void {
  program
    .command('config')
    .description("a server's effective settings from the environment and .env, secrets redacted")
    .option('--describe', 'show the purpose of each setting')
    .addHelpText(
      'after',
      `
Examples:
  $ weir config
  $ WEIR_PORT=9090 weir config --json`,
    )
    .action(async ({ describe }: { describe?: boolean }, self: Command) => {
      const { context, output } = begin(self);
      const { describeConfig } = await import('@weir/server');
      const { config, warnings } = await loadSettings(context, {});
      const settings = describeConfig(config);
      const rows = settings.map((one) => [
        one.name,
        one.value,
        one.default ?? '',
        ...(describe === true ? [one.description] : []),
      ]);
      const header = ['setting', 'value', 'default', ...(describe === true ? ['description'] : [])];
      output.result({ settings, warnings }, formatTable(header, rows, 120));
      if (!output.json) for (const warning of warnings) output.note(`weir: ${warning}`);
    });
}
