import { type Command, Option } from 'commander';
import { usageOf } from '../commander-error.js';
import type { ConsumeFlags } from '../event/consume-options.js';
import { reportFailure } from '../event/failure-document.js';
import type { Begin } from '../program.js';
import { KEYS_OPTION } from './event-keys-option.js';
import { collect } from './list-option.js';

/** `weir event consume`. */
export function consumeCommand(event: Command, begin: Begin): void {
  const consume: Command = event
    .command('consume')
    .description('write events of a key as they come, one line of JSON each')
    .argument('<key>', 'name of the key, see "weir event list"')
    .option('-p, --param <name=value>', 'param of the key; repeatable', collect)
    .option('--jq <expression>', 'every output of the expression is a line')
    .option('--max-events <n>', 'end after n events; dropped ones do not count')
    .option('--timeout <duration>', 'end this long after ready, such as 30s or 5m')
    .option('--output-dir <dir>', 'write a file for each event instead of a line')
    .option('--exec <command>', 'run a command for each event, the event on its standard input')
    .option('--post <url>', 'post each event to a URL')
    .option(
      '--from <place>',
      'latest, earliest, a cursor, a time, or how far back, such as 1h (default: latest, with --until now: earliest)',
    )
    .option('--until <end>', 'now: end with the newest event of the start (reason: limit); not for groups')
    .option('--group <name>', 'share events with the other members of a durable group, at-least-once')
    .option(
      '--prefetch <n>',
      'of a group: maximum of unacknowledged events (default with --exec and --post: the workers)',
    )
    .option('--exec-timeout <duration>', 'end a command that runs longer: its event has failed')
    .addOption(
      new Option(
        '--on-slow <how>',
        'policy for a consumer that is slower than its events (without --group)',
      ).choices(['replay', 'drop-oldest', 'disconnect']),
    )
    .addOption(
      new Option(
        '--as <identity>',
        'identity: bot, the API key (default); user is not supported yet',
      ).choices(['bot', 'user']),
    )
    .option(...KEYS_OPTION)
    .option('--raw', 'write control characters unescaped, also to a terminal')
    .option('--fail-on-gap', 'end with code 1 when events were missed')
    .option('--quiet', 'write only errors and gaps to standard error')
    .option('--dry-run', 'only print the plan')
    .addHelpText(
      'after',
      `
Standard output has data only. Standard error has "[event] ready event_key=KEY" once: every event after that line is delivered.
It also has warnings, and as its last line
  [event] exited — received N event(s) in Xs (reason: limit|timeout|signal|stdin|upstream|error)
An error is a line of JSON before that: {"ok":false,"error":{"type","subtype","param"?,"message","hint"}}.

Without --group every consumer gets every event, once. With --group NAME the members of the group share the events, including
those that came while no member ran. An event comes again until a member has handled it. Events of one person stay in order. An
event that fails five times becomes a dead letter. A new group begins at --from.

--on-slow replay (the default if the source has a history) reads again what the consumer has missed. drop-oldest drops events and
reports a gap. disconnect ends the consumer.

It ends with --max-events, --timeout, --until now, SIGINT or SIGTERM, and when nothing reads standard output any more (reason:
signal). A run without --max-events, --timeout and --until also ends when standard input ends after the start, if that is no
terminal. An end that is there at the start, as under cron and systemd, is ignored with a warning.

Exit codes: 0 ended by one of these · 1 refused, or events that could not be handled · 2 usage · 3 credential or scope
· 4 no answer · 5 internal.

Examples:
  $ weir event consume weir.event -p event=signup --jq '{user_id, plan: .properties.plan}'
  $ weir event consume weir.event.identified -p where=properties.plan=pro --max-events 10
  $ weir event consume weir.event --group mailer --exec ./send-mail
  $ weir event consume webhook.request -p path=/github
  $ weir event consume weir.event --from 1h --until now > last-hour.ndjson
  $ weir event consume weir.event --from earliest --output-dir events --timeout 10s
  $ weir event consume weir.event --exec 'jq -r .event_id >> ids.txt'`,
    )
    .exitOverride((error) => {
      if (error.exitCode === 0) throw error;
      throw reportFailure(usageOf(error), (line) => begin(consume).output.note(line));
    })
    .action(async (name: string, flags: ConsumeFlags, self: Command) => {
      const { runConsume } = await import('../event/run-consume.js');
      await runConsume(begin(self), name, flags);
    });
}
