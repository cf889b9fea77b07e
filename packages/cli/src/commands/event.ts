import type { Command } from 'commander';
import { usageOf } from '../commander-error.js';
import type { ConsumeFlags } from '../event/consume-options.js';
import { tellFailure } from '../event/failure-document.js';
import { formatTable } from '../output/table.js';
import type { Begin } from '../program.js';
import { collect } from './list-option.js';

interface KeysOption {
  readonly keys?: string;
}

const KEYS = [
  '--keys <file>',
  'file of keys of your own (default: weir.keys.mjs, where it is there)',
] as const;

/** `weir event`: kinds of events that can be consumed, and consuming them. */
export function eventCommand(program: Command, begin: Begin): void {
  const event = program.command('event').description('consume events as they are accepted');
  consumeCommand(event, begin);
  event
    .command('list')
    .description('the keys there are')
    .option(...KEYS)
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
    .option(...KEYS)
    .action(async (name: string, { keys: file }: KeysOption, self: Command) => {
      const { output, context } = begin(self);
      const { loadRegistry, requireKey } = await import('../event/key-registry.js');
      const { keyText } = await import('../event/key-text.js');
      const key = requireKey(await loadRegistry(file, context.cwd), name);
      output.result(key, keyText(key));
    });
}

function consumeCommand(event: Command, begin: Begin): void {
  const consume: Command = event
    .command('consume')
    .description('write events of a key as they come, one line of JSON each')
    .argument('<key>', 'name of the key, see "weir event list"')
    .option('-p, --param <name=value>', 'param of the key; repeatable', collect)
    .option('--jq <expression>', 'every output of the expression is a line')
    .option('--max-events <n>', 'end after n events; dropped ones do not count')
    .option('--timeout <duration>', 'end so long after ready, such as 30s or 5m')
    .option('--output-dir <dir>', 'write a file for each event instead of a line')
    .option('--exec <command>', 'run a command for each event, the event on its standard input')
    .option('--post <url>', 'post each event to a URL')
    .option('--from <place>', 'latest, earliest, a cursor, or a time (default: latest)')
    .option(...KEYS)
    .option('--quiet', 'nothing on standard error but errors')
    .option('--dry-run', 'only say what would be done')
    .addHelpText(
      'after',
      `
Standard output has data only. Standard error has, once, "[event] ready event_key=KEY", from when on every event comes;
warnings; and as its last line
  [event] exited — received N event(s) in Xs (reason: limit|timeout|signal|stdin|upstream|error)
An error is a line of JSON before that: {"ok":false,"error":{"type","subtype","param"?,"message","hint"}}.

It ends with --max-events, --timeout, SIGINT or SIGTERM, when nobody reads it any more (reason: signal), and, where
standard input is no terminal and neither --max-events nor --timeout is given, with the end of standard input: a service
that has none writes "tail -f /dev/null | weir event consume …".

Exit codes: 0 ended by one of these · 1 refused, or events that could not be handled · 2 usage · 3 credential or scope
· 4 no answer · 5 internal.

Examples:
  $ weir event consume weir.event -p event=signup --jq '{user_id, plan: .properties.plan}'
  $ weir event consume weir.event.identified -p where=properties.plan=pro --max-events 10
  $ weir event consume weir.event --from earliest --output-dir events --timeout 10s
  $ weir event consume weir.event --exec 'jq -r .event_id >> ids.txt'`,
    )
    .exitOverride((error) => {
      if (error.exitCode === 0) throw error;
      throw tellFailure(usageOf(error), (line) => begin(consume).output.note(line));
    })
    .action(async (name: string, flags: ConsumeFlags, self: Command) => {
      const { runConsume } = await import('../event/run-consume.js');
      await runConsume(begin(self), name, flags);
    });
}
