import type { RawEvent } from '../raw-event.js';
import { Arrivals } from './arrivals.js';
import type { EventStream, StreamedEvent, StreamWatcher } from './event-stream.js';
import type { Source } from './source.js';
import { listenTo } from './webhook-listener.js';

/** Options of a {@link WebhookSource}. */
export interface WebhookSourceOptions {
  readonly host: string;
  readonly port: number;
  /** Starts with a slash; requests must match it exactly. */
  readonly path: string;
  /**
   * How long a request waits for the acknowledgement, milliseconds; default 5 s, because senders themselves time out
   * after some seconds.
   */
  readonly waitMs?: number;
}

/** Bounds of requests that wait for the reader. Further requests get 503. */
const WAITING = { items: 1_000, bytes: 16 * 1024 * 1024 };

/** Default wait for the acknowledgement. */
const WAIT_MS = 5_000;

/**
 * Receives HTTP requests on a path of this machine. The sender gets 202 once its event is acknowledged, otherwise 503,
 * on which it should retry.
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

/** An event, and the function that answers its request. */
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

/** The response to a request; `busy` also if no consumer acknowledges the event within `waitMs`. */
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
