import { resolve } from 'node:path';
import type { Command } from 'commander';
import { formatTable } from '../output/table.js';
import type { Begin } from '../program.js';
import { busCommands } from './event-bus.js';
import { consumeCommand } from './event-consume.js';
import { KEYS_OPTION } from './event-keys-option.js';

interface TrustOptions {
  readonly remove?: boolean;
}

interface KeysOption {
  readonly keys?: string;
}

/** `weir event`: lists the event keys and consumes them. */
export function eventCommand(program: Command, begin: Begin): void {
  const event = program.command('event').description('consume events as they are accepted');
  consumeCommand(event, begin);
  event
    .command('list')
    .description('list the keys')
    .option(...KEYS_OPTION)
    .action(async ({ keys: file }: KeysOption, self: Command) => {
      const { output, context } = begin(self);
      const { loadKeys, untrustedNote } = await import('../event/key-registry.js');
      const known = await loadKeys(file, context);
      const keys = known.registry.listAll();
      const rows = keys.map(({ key, params, authTypes, description }) => [
        key,
        params.map(({ name }) => name).join(', '),
        authTypes.join(', '),
        description,
      ]);
      output.result({ keys }, formatTable(['key', 'params', 'as', 'description'], rows));
      const note = untrustedNote(known);
      if (note !== null) output.note(`weir: ${note}`);
    });
  event
    .command('schema')
    .description('show the params of a key and the schema of its lines')
    .argument('<key>', 'name of the key')
    .option(...KEYS_OPTION)
    .action(async (name: string, { keys: file }: KeysOption, self: Command) => {
      const { output, context } = begin(self);
      const { loadKeys, requireKey } = await import('../event/key-registry.js');
      const { keyText } = await import('../event/key-text.js');
      const key = requireKey(await loadKeys(file, context), name);
      output.result(key, keyText(key));
    });
  event
    .command('trust')
    .description('trust a keys file, which is code, so that commands load it without --keys')
    .argument('[file]', 'the file (default: weir.keys.mjs of this directory)')
    .option('--remove', 'revoke the trust')
    .action(async (file: string | undefined, { remove = false }: TrustOptions, self: Command) => {
      const { output, context } = begin(self);
      const { DEFAULT_KEYS_FILE, distrust, trust } = await import('../event/trusted-keys.js');
      const path = resolve(context.cwd, file ?? DEFAULT_KEYS_FILE);
      if (remove) {
        const removed = await distrust(path, context.env);
        output.result({ removed }, `${path} ${removed ? 'is no longer trusted' : 'was not trusted'}`);
        return;
      }
      const trusted = await trust(path, context.env);
      output.result({ trusted }, `${trusted} is trusted: commands in its directory run it`);
    });
  busCommands(event, begin);
}
