import type { SettingInfo } from '@weir/server';
import type { Command } from 'commander';
import type { Begin } from '../program.js';
import { flagName, flagOf, variablesOf } from '../serve/flags.js';
import { serve } from '../serve/serve.js';

/** `weir serve`: every setting is also a flag. */
export function serveCommand(program: Command, begin: Begin, settings: readonly SettingInfo[]): void {
  const command = program
    .command('serve')
    .description('start a server')
    .addHelpText(
      'after',
      `
A flag wins over the environment, that over .env in the working directory, that over the default.

Examples:
  $ weir serve
  $ weir serve --port 9090 --data-dir /var/lib/weir
  $ weir serve --clickhouse-url http://user:password@clickhouse:8123 --ingest-flush-interval 500ms`,
    );
  const taken = new Set(program.options.map(({ long }) => long));
  for (const setting of settings) {
    if (!taken.has(flagName(setting.name))) command.addOption(flagOf(setting));
  }
  command.action(async (_options: unknown, self: Command) => {
    const invocation = begin(self);
    await serve(invocation, variablesOf(settings, self.optsWithGlobals()));
  });
}
