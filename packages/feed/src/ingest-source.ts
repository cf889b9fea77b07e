import { type Logger, pause } from '@weir/base';
import { INGEST_STREAM, IngestEntry } from '@weir/ingest';
import { type Entry, type Log, LogError } from '@weir/log';
import type { Feed, NewItem } from './feed.js';

const SOURCE = 'ingest';
/** Bytes of one commit to the feed: encoding the events takes a few milliseconds. */
const PAGE_BYTES = 1024 * 1024;
const PAUSE_MS = 500;

/** Publishes accepted events: every entry of the ingest log, once, in order. */
export class IngestSource {
  readonly #ingest: Log;
  readonly #feed: Feed;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #waiting: (() => void)[] = [];
  #position = 0;
  #running: Promise<void> | null = null;

  constructor(ingest: Log, feed: Feed, logger: Logger) {
    this.#ingest = ingest;
    this.#feed = feed;
    this.#logger = logger;
  }

  /** Entries of the ingest log up to here are published: trimming them loses no event. */
  get position(): number {
    return this.#position;
  }

  async start(): Promise<void> {
    // A new log after a loss starts again, and so does its position here.
    const { last } = await this.#ingest.stats(INGEST_STREAM);
    const position = await this.#feed.position(this.#source);
    this.#position = Math.min(position, last);
    this.#running = this.#run();
  }

  /** Resolves when all current entries of the ingest log are in the feed, or the signal aborts. */
  async caughtUp(signal: AbortSignal): Promise<void> {
    const { last } = await this.#ingest.stats(INGEST_STREAM);
    while (this.#position < last && !signal.aborted) await this.#moved(signal);
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** The source name; a position is valid for one log only. */
  get #source(): string {
    return `${SOURCE}:${this.#ingest.id}`;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if (!(await this.#page())) {
          await this.#ingest.wait(INGEST_STREAM, { after: this.#position, signal });
        }
      } catch (error) {
        if (signal.aborted || (error instanceof LogError && error.code === 'draining')) return;
        this.#logger.warn({ err: error }, 'publishing to the feed fails; retrying');
        await pause(PAUSE_MS, signal);
      }
    }
  }

  /** Resolves when the position has advanced, or the signal aborts. */
  #moved(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  async #page(): Promise<boolean> {
    const { first } = await this.#ingest.stats(INGEST_STREAM);
    const after = Math.max(this.#position, first - 1);
    const entries = await this.#ingest.read(INGEST_STREAM, { after, maxBytes: PAGE_BYTES });
    const last = entries.at(-1);
    if (last === undefined) return false;
    await this.#feed.publish('events', itemsIn(entries), this.#source, last.offset);
    this.#position = last.offset;
    for (const resolve of this.#waiting.splice(0)) resolve();
    return true;
  }
}

function* itemsIn(entries: readonly Entry[]): Generator<NewItem> {
  for (const { data } of entries) yield* itemsOf(new IngestEntry(data));
}

/** The events of an entry, each as its row. */
function* itemsOf(entry: IngestEntry): Generator<NewItem> {
  const { projectId, rows, count } = entry;
  for (let i = 0; i < count; i += 1) {
    yield { projectId, payload: rows.subarray(entry.rowStart(i), entry.rowEnd(i)) };
  }
}
