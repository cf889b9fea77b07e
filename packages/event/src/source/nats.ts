import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { ConsumeError } from '../consume-error.js';
import { MAX_EVENT_BYTES, payloadText } from '../raw-event.js';
import { Arrivals } from './arrivals.js';
import type { EventStream, StreamedEvent, StreamWatcher } from './event-stream.js';
import { connectToNats, natsFailure } from './nats-connection.js';
import { natsEvent } from './nats-event.js';
import type { Source } from './source.js';

/** Options of a {@link NatsSource}. */
export interface NatsSourceOptions {
  /** Server addresses, of which one must be reachable; see `NatsAddress`. */
  readonly servers: readonly string[];
  /** NATS wildcards are allowed: `orders.*`, `orders.>`. */
  readonly subject: string;
}

/** Bounds of messages that wait for the reader. Further messages are dropped and reported as a gap. */
const WAITING = { items: 10_000, bytes: 16 * 1024 * 1024 };

/**
 * Messages of a subject as they are published (core NATS). The server retains nothing: messages published during a
 * disconnect are lost and reported as a gap.
 */
export class NatsSource implements Source {
  readonly name: string;
  readonly hasOffsets = false;
  readonly #options: NatsSourceOptions;

  constructor(options: NatsSourceOptions) {
    this.#options = options;
    this.name = `nats ${options.subject}`;
  }

  open(): EventStream {
    return { follow: (watcher, signal) => followNats(this.#options, watcher, signal) };
  }
}

async function* followNats(
  { servers, subject }: NatsSourceOptions,
  watcher: StreamWatcher,
  signal: AbortSignal,
): AsyncGenerator<StreamedEvent> {
  if (!SUBJECT.test(subject)) throw invalidSubject(subject);
  const arrivals = new Arrivals<Msg>(WAITING);
  let brokenAt: number | undefined;
  const outageMs = () => (brokenAt === undefined ? 0 : performance.now() - brokenAt);
  let dropped = 0;
  watcher.onState('connecting');
  let connection: NatsConnection;
  try {
    connection = await connectToNats({ servers, outageMs }, signal);
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  const close = () => void connection.close();
  signal.addEventListener('abort', close, { once: true });
  const reporting = reportStates(connection, watcher, (isConnected) => {
    brokenAt = isConnected ? undefined : (brokenAt ?? performance.now());
  });
  // `closed()` resolves with the error and never rejects.
  void connection.closed().then((error) => arrivals.end(error && natsFailure(error, servers)));
  try {
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) arrivals.end(refusedSubject(error, subject));
        else if (!arrivals.push(message, message.data.length)) dropped += 1;
      },
    });
    // A reply to a flush proves that the server has the subscription. If the flush fails, the reconnect subscribes again.
    if ((await isAnswered(connection)) && !arrivals.hasEnded) watcher.onState('connected');
    for await (const message of arrivals.read(signal)) {
      const event = natsEvent(message);
      if (Buffer.byteLength(payloadText(event)) <= MAX_EVENT_BYTES) yield { event };
      else watcher.onGap({ missed: 1, message: `a message on ${message.subject} exceeds 1 MiB` });
      if (dropped > 0)
        watcher.onGap({ missed: dropped, message: 'messages arrived faster than they were read' });
      dropped = 0;
    }
  } finally {
    signal.removeEventListener('abort', close);
    await connection.close();
    await reporting;
  }
}

async function reportStates(
  connection: NatsConnection,
  watcher: StreamWatcher,
  onConnected: (isConnected: boolean) => void,
): Promise<void> {
  let isTrying = false;
  for await (const status of connection.status()) {
    if (status.type === 'disconnect') {
      onConnected(false);
      isTrying = false;
      watcher.onState('disconnected', `the connection to ${status.server} broke`);
    } else if (status.type === 'reconnecting' && !isTrying) {
      isTrying = true;
      watcher.onState('reconnecting');
    } else if (status.type === 'reconnect' && (await isAnswered(connection))) {
      onConnected(true);
      watcher.onGap({ message: 'NATS does not retain messages that were published during the disconnect' });
      watcher.onState('connected');
    }
  }
}

const isAnswered = (connection: NatsConnection): Promise<boolean> =>
  connection.flush().then(
    () => true,
    () => false,
  );

// Tokens separated by dots, `>` only as the last one. A server may accept other subjects without ever delivering a message.
const SUBJECT = /^(?!>\.)[^\s.]+(\.(?!>\.)[^\s.]+)*$/;

function invalidSubject(subject: string): ConsumeError {
  return new ConsumeError(
    'usage',
    'invalid_subject',
    `${JSON.stringify(subject)} is not a valid NATS subject.`,
    {
      param: 'subject',
      hint: 'Separate tokens with dots, such as orders.created, orders.* or orders.>.',
    },
  );
}

function refusedSubject(cause: Error, subject: string): ConsumeError {
  return new ConsumeError(
    'auth',
    'forbidden_subject',
    `NATS refuses the subscription to ${JSON.stringify(subject)}: ${cause.message}`,
    { param: 'subject', hint: 'Grant the permission to subscribe, or use another subject.', cause },
  );
}
