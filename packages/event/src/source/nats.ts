import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { ConsumeError } from '../consume-error.js';
import { MAX_EVENT_BYTES, payloadText } from '../raw-event.js';
import { Arrivals } from './arrivals.js';
import type { EventStream, StreamedEvent, StreamWatcher } from './event-stream.js';
import { connectToNats, natsFailure } from './nats-connection.js';
import { natsEvent } from './nats-event.js';
import type { Source } from './source.js';

/** Which messages, of which servers. */
export interface NatsSourceOptions {
  /** Addresses, of which one is enough: see `NatsAddress`. */
  readonly servers: readonly string[];
  /** With wildcards as NATS has them: `orders.*`, `orders.>`. */
  readonly subject: string;
}

/** Messages that wait for who reads them; what comes beyond is dropped and told. */
const WAITING = { items: 10_000, bytes: 16 * 1024 * 1024 };

/**
 * Messages of a subject as they are published (core NATS). The server keeps nothing: what is published while there is
 * no connection is gone, and told as a gap.
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
  const told = tellStates(connection, watcher, (isConnected) => {
    brokenAt = isConnected ? undefined : (brokenAt ?? performance.now());
  });
  // It resolves with the error; it never rejects.
  void connection.closed().then((error) => arrivals.end(error && natsFailure(error, servers)));
  try {
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) arrivals.end(refusedSubject(error, subject));
        else if (!arrivals.push(message, message.data.length)) dropped += 1;
      },
    });
    // Once the server has answered, it has the subscription too. Where that fails, the connection comes back with it.
    if ((await isAnswered(connection)) && !arrivals.hasEnded) watcher.onState('connected');
    for await (const message of arrivals.read(signal)) {
      const event = natsEvent(message);
      if (Buffer.byteLength(payloadText(event)) <= MAX_EVENT_BYTES) yield { event };
      else watcher.onGap({ missed: 1, message: `a message on ${message.subject} is above 1 MiB` });
      if (dropped > 0)
        watcher.onGap({ missed: dropped, message: 'messages came faster than they were taken' });
      dropped = 0;
    }
  } finally {
    signal.removeEventListener('abort', close);
    await connection.close();
    await told;
  }
}

async function tellStates(
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
      watcher.onGap({ message: 'NATS kept nothing of what was published while there was no connection' });
      watcher.onState('connected');
    }
  }
}

const isAnswered = (connection: NatsConnection): Promise<boolean> =>
  connection.flush().then(
    () => true,
    () => false,
  );

// Words with dots between them, `>` only as the last: a server may take others and never send anything.
const SUBJECT = /^(?!>\.)[^\s.]+(\.(?!>\.)[^\s.]+)*$/;

function invalidSubject(subject: string): ConsumeError {
  return new ConsumeError('usage', 'invalid_subject', `${JSON.stringify(subject)} is no subject of NATS.`, {
    param: 'subject',
    hint: 'Write words with dots between them, such as orders.created, orders.* or orders.>.',
  });
}

function refusedSubject(cause: Error, subject: string): ConsumeError {
  return new ConsumeError(
    'auth',
    'forbidden_subject',
    `NATS does not let us have ${JSON.stringify(subject)}: ${cause.message}`,
    { param: 'subject', hint: 'Ask for the permission to subscribe, or name another subject.', cause },
  );
}
