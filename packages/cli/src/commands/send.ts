import type { Command } from 'commander';
import { uuidv7 } from 'uuidv7';
import { ApiClient } from '../api/client.js';
import { usageError } from '../cli-error.js';
import { requireToken } from '../connection/connection.js';
import type { Invocation } from '../invocation.js';
import type { Begin } from '../program.js';
import { Delivery } from '../send/delivery.js';
import { parseDuration } from '../send/duration.js';
import { describesEvent, type EventOptions, eventOfOptions } from '../send/event-of-options.js';
import {
  type EventSource,
  eventsOfFiles,
  eventsOfLines,
  isFileName,
  oneEvent,
} from '../send/event-source.js';
import { isNoId } from '../send/outgoing-event.js';
import { SendReport } from '../send/report.js';
import { Sender } from '../send/sender.js';
import { collect } from './list-option.js';

interface SendOptions extends EventOptions {
  readonly file?: readonly string[];
  readonly allowRejected?: boolean;
  readonly retryFor?: string;
}

const DEFAULT_RETRY_FOR = '60s';

/** `weir send`: sends events from options, files or standard input. */
export function sendCommand(program: Command, begin: Begin): void {
  program
    .command('send')
    .description('send events: one from options, or NDJSON from files or standard input')
    .argument('[what...]', 'name of an event, files (*.ndjson, *.jsonl or a path), or - for standard input')
    .option('--user <id>', 'user_id of the event')
    .option('--anonymous <id>', 'anonymous_id of the event')
    .option('--session <id>', 'session_id of the event')
    .option('--timestamp <time>', 'RFC 3339 time with zone, or epoch milliseconds (default: now)')
    .option('--event-id <id>', 'event_id, by which a repeated event is known (default: a new one)')
    .option('--prop <name=value>', 'property: name=text or name:=JSON; repeatable', collect)
    .option('--file <path>', 'file of NDJSON, whatever its name; repeatable', collect)
    .option('--token <token>', 'ingest token of the project (weir_pub_…)')
    .option('--allow-rejected', 'exit with 0 even where events were rejected')
    .option(
      '--retry-for <duration>',
      `how long to retry a batch while the server is down or busy (default: ${DEFAULT_RETRY_FOR}; no retries before its first answer)`,
    )
    .addHelpText(
      'after',
      `
NDJSON is one event a line; write other JSON so with jq: jq -c . FILE, and jq -c '.[]' FILE for a list.
An event without event_id gets one, so that retries are not counted twice. A text that stands for no id, such as undefined,
null, anonymous or nothing, never counts as an id: the event is stored without it (docs/ingest.md).
Exit codes: 0 all accepted, also where the input has no events · 1 some rejected, or the server refused · 4 no answer.


Examples:
  $ weir send signup --user u1 --prop plan=pro --prop seats:=5
  $ weir send events.ndjson more.ndjson
  $ tail -f app.ndjson | weir send -
  $ weir send --json < events.ndjson      {"sent":2,"accepted":2,"duplicates":0,"rejected":0,"errors":[]}`,
    )
    .action(async (what: string[], options: SendOptions, self: Command) => {
      await send(begin(self), what, options);
    });
}

async function send(invocation: Invocation, what: readonly string[], options: SendOptions): Promise<void> {
  const source = sourceOf(invocation, what, options);
  warnOfNoIds(invocation, options);
  const connection = await invocation.connection();
  const api = new ApiClient(connection.server, requireToken(connection));
  const given = options.retryFor === undefined ? undefined : parseDuration(options.retryFor, '--retry-for');
  const delivery = new Delivery(api, {
    retryForMs: given ?? parseDuration(DEFAULT_RETRY_FOR, '--retry-for'),
    firstRetryForMs: given ?? 0,
  });
  const report = new SendReport(invocation.output);
  const sender = new Sender(delivery, report);
  try {
    await sender.send(source);
  } catch (error) {
    report.end(sender.counts, true);
    throw error;
  }
  report.end(sender.counts, false);
  if (sender.counts.sent === 0) invocation.output.note('weir: nothing was sent: the input has no events');
  if (options.allowRejected !== true) report.mustBeComplete(sender.counts);
}

/** The server accepts such an event but drops the id. Warn, because the sender would search for the person without success. */
function warnOfNoIds({ output }: Invocation, options: EventOptions): void {
  const { user, anonymous, session, eventId } = options;
  const ids = { '--user': user, '--anonymous': anonymous, '--session': session, '--event-id': eventId };
  for (const [option, id] of Object.entries(ids)) {
    if (id === undefined || !isNoId(id)) continue;
    output.note(`weir: ${option} ${JSON.stringify(id)} is not an id: the event is stored without it`);
  }
}

function sourceOf({ context }: Invocation, what: readonly string[], options: SendOptions): EventSource {
  const [first] = what;
  const isStdin = first === '-' && what.length === 1;
  const files = [...(options.file ?? []), ...what.filter(isFileName)];
  const describes = describesEvent(options);
  if (first === undefined && describes)
    throw usageError('these options describe an event without a name', 'Name it: weir send signup …');
  if (isStdin || (first === undefined && files.length === 0)) {
    if (describes) throw usageError('events from standard input take no options of their own');
    if (!isStdin && context.stdin.isTTY === true) {
      throw usageError(
        'nothing to send',
        'Name an event, a file, or - for standard input; see "weir help send"',
      );
    }
    return eventsOfLines(context.stdin, null, uuidv7);
  }
  if (
    first !== undefined &&
    what.length === 1 &&
    options.file === undefined &&
    (describes || !isFileName(first))
  ) {
    return oneEvent(eventOfOptions(first, options, new Date()), uuidv7);
  }
  const other = what.find((word) => !isFileName(word));
  if (other !== undefined)
    throw usageError(`"${other}" is no file of NDJSON`, `If it is one, write --file ${other}`);
  if (describes) throw usageError('events from files take no options of their own');
  return eventsOfFiles(files, uuidv7);
}
