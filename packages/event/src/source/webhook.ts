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
}

/** Requests that wait for who reads them; others are told to come again. */
const WAITING = { items: 1_000, bytes: 16 * 1024 * 1024 };

/** How long a request waits. Senders give up after some seconds themselves. */
const WAIT_MS = 5_000;

/**
 * Requests to a path of this machine. A sender gets 202 once its event is with the consumer, and 503 where it cannot be:
 * it should come again then.
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
  readonly taken: () => void;
}

async function* followWebhook(
  { host, port, path }: WebhookSourceOptions,
  watcher: StreamWatcher,
  signal: AbortSignal,
): AsyncGenerator<StreamedEvent> {
  const arrivals = new Arrivals<Waiting>(WAITING);
  watcher.onState('connecting');
  const leave = await listenTo(host, port, path, (event, bytes) => handOver(arrivals, event, bytes));
  try {
    if (!signal.aborted) watcher.onState('connected');
    for await (const { event, taken } of arrivals.read(signal)) {
      taken();
      yield { event };
    }
  } finally {
    arrivals.end();
    await leave();
  }
}

function handOver(arrivals: Arrivals<Waiting>, event: RawEvent, bytes: number): Promise<'taken' | 'busy'> {
  return new Promise((resolve) => {
    const waiting = {
      event,
      taken: () => {
        clearTimeout(timer);
        resolve('taken');
      },
    };
    const timer = setTimeout(() => {
      if (arrivals.withdraw(waiting)) resolve('busy');
    }, WAIT_MS);
    if (arrivals.push(waiting, bytes)) return;
    clearTimeout(timer);
    resolve('busy');
  });
}
