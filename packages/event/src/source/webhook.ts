import type { RawEvent } from '../raw-event.js';
import { Arrivals } from './arrivals.js';
import type { EventStream, StreamedEvent, StreamWatcher } from './event-stream.js';
import type { Source } from './source.js';
import { listenTo } from './webhook-listener.js';

/** Where requests come in. */
export interface WebhookSourceOptions {
  readonly host: string;
  readonly port: number;
  /** Begins with a slash; requests must have exactly this one. */
  readonly path: string;
  /** How long a request waits for its answer, milliseconds; default 5 s, as senders give up after some seconds themselves. */
  readonly waitMs?: number;
}

/** Requests that wait for who reads them; others are told to come again. */
const WAITING = { items: 1_000, bytes: 16 * 1024 * 1024 };

/** How long a request waits for its answer unless told otherwise. */
const WAIT_MS = 5_000;

/**
 * Requests to a path of this machine. A sender gets 202 once its event is acknowledged, and 503 where it is not: it should
 * come again then.
 */
export class WebhookSource implements Source {
  readonly name: string;
  readonly hasOffsets = false;
  readonly #options: WebhookSourceOptions;

  constructor(options: WebhookSourceOptions) {
    this.#options = options;
    this.name = `webhook ${options.host}:${options.port}${options.path}`;
  }

  open(): EventStream {
    return { follow: (watcher, signal) => followWebhook(this.#options, watcher, signal) };
  }
}

/** One request's event, and who waits to hear what became of it. */
interface Waiting {
  readonly event: RawEvent;
  readonly answer: (outcome: 'taken' | 'busy') => void;
}

async function* followWebhook(
  { host, port, path, waitMs = WAIT_MS }: WebhookSourceOptions,
  watcher: StreamWatcher,
  signal: AbortSignal,
): AsyncGenerator<StreamedEvent> {
  const arrivals = new Arrivals<Waiting>(WAITING);
  const unanswered = new Set<Waiting>();
  watcher.onState('connecting');
  const leave = await listenTo(host, port, path, (event, bytes) =>
    outcomeOf(event, bytes, arrivals, unanswered, waitMs),
  );
  try {
    if (!signal.aborted) watcher.onState('connected');
    for await (const { event, answer } of arrivals.read(signal)) {
      yield { event, ack: async () => answer('taken'), fail: async () => answer('busy') };
    }
  } finally {
    arrivals.end();
    for (const { answer } of unanswered) answer('busy');
    await leave();
  }
}

/** What becomes of an event: `busy` too when nobody has said so for a while. */
async function outcomeOf(
  event: RawEvent,
  bytes: number,
  arrivals: Arrivals<Waiting>,
  unanswered: Set<Waiting>,
  waitMs: number,
): Promise<'taken' | 'busy'> {
  let answer: Waiting['answer'] = () => {};
  const answered = new Promise<'taken' | 'busy'>((resolve) => {
    answer = resolve;
  });
  const waiting = { event, answer };
  if (!arrivals.push(waiting, bytes)) return 'busy';
  unanswered.add(waiting);
  const timer = setTimeout(() => answer('busy'), waitMs);
  try {
    return await answered;
  } finally {
    clearTimeout(timer);
    unanswered.delete(waiting);
    arrivals.withdraw(waiting);
  }
}
