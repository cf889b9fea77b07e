import type { Command } from 'commander';
import { formatTable } from '../output/table.js';
import type { Begin } from '../program.js';
import { busCommands } from './event-bus.js';
import { consumeCommand } from './event-consume.js';
import { KEYS_OPTION } from './event-keys-option.js';

interface KeysOption {
  readonly keys?: string;
}

/** `weir event`: kinds of events that can be consumed, and consuming them. */
export function eventCommand(program: Command, begin: Begin): void {
  const event = program.command('event').description('consume events as they are accepted');
  consumeCommand(event, begin);
  event
    .command('list')
    .description('the keys there are')
    .option(...KEYS_OPTION)
    .action(async ({ keys: file }: KeysOption, self: Command) => {
      const { output, context } = begin(self);
      const { loadRegistry } = await import('../event/key-registry.js');
      const keys = (await loadRegistry(file, context.cwd)).listAll();
      const rows = keys.map(({ key, params, description }) => [
        key,
        params.map(({ name }) => name).join(', '),
        description,
      ]);
      output.result({ keys }, formatTable(['key', 'params', 'description'], rows));
    });
  event
    .command('schema')
    .description('what a key takes, and what one line of it looks like')
    .argument('<key>', 'name of the key')
    .option(...KEYS_OPTION)
    .action(async (name: string, { keys: file }: KeysOption, self: Command) => {
      const { output, context } = begin(self);
      const { loadRegistry, requireKey } = await import('../event/key-registry.js');
      const { keyText } = await import('../event/key-text.js');
      const key = requireKey(await loadRegistry(file, context.cwd), name);
      output.result(key, keyText(key));
    });
  busCommands(event, begin);
}
