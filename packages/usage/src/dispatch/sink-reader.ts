import { setImmediate as turn } from 'node:timers/promises';
import { Backoff, type Logger, pause, Wakeup } from '@weir/base';
import type { Sink, UsageEvent } from '@weir/extension';
import { type Cursor, type Entry, type Log, LogError } from '@weir/log';
import { eventsIn, offsetOf, USAGE_STREAM } from '../records/entry.js';
import type { RecentEvents } from '../records/recent-events.js';

/** Bytes read and passed in one turn of the event loop, so that requests run in between. */
const CHUNK_BYTES = 128 * 1024;
/** Chunks passed before waiting for all of them; after a failure, one. */
const CHUNKS = 64;
/** Minimum time between pages, so that a busy node batches records. */
const PACE_MS = 100;
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 30_000;
/** Maximum pause that a receiver can request, because records are retained for a bounded time. */
const LONGEST_ASKED_MS = 10 * 60_000;
/** Consecutive failures before a warning, about 6 s: a store that starts or restarts is not reported. */
const FAILURES_TO_REPORT = 7;
/** A sink that does not answer for this long is reported. */
const HANGS_MS = 60_000;

/** Dependencies of a {@link SinkReader}. */
export interface SinkReaderOptions {
  readonly log: Log;
  readonly sink: Sink;
  /** Spares parsing. */
  readonly recent: RecentEvents;
  readonly logger: Logger;
}

/** Records that were freed before the sink was known to have stored them. */
interface Freed {
  readonly offset: number;
  readonly records: number;
}

/** Passes the records of the log to one sink, from its cursor, each until the sink has stored it. */
export class SinkReader {
  readonly sink: Sink;
  readonly #log: Log;
  readonly #recent: RecentEvents;
  readonly #logger: Logger;
  readonly #cursor: Cursor;
  readonly #wake = new Wakeup();
  readonly #stopping = new AbortController();
  #freed: Freed[] = [];
  #kept = 0;
  #given = 0;
  #dropped = 0;
  readonly #backoff = new Backoff({ firstMs: FIRST_PAUSE_MS, longestMs: LAST_PAUSE_MS });
  #failures = 0;
  #running: Promise<void> | null = null;

  constructor({ log, sink, recent, logger }: SinkReaderOptions) {
    this.sink = sink;
    this.#log = log;
    this.#recent = recent;
    this.#logger = logger;
    this.#cursor = log.cursor(USAGE_STREAM, `sink:${sink.name}`);
  }

  /** The sink has stored every record up to this offset. */
  get kept(): number {
    return this.#kept;
  }

  /** Records that were evicted before the sink received them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Consecutive failures. */
  get failures(): number {
    return this.#failures;
  }

  /** Reads the cursor of the sink, and starts. A new sink starts with later records. */
  async start(): Promise<void> {
    const place = await this.#cursor.get();
    const { last } = await this.#log.stats(USAGE_STREAM);
    if (place === undefined) await this.#cursor.commit(last);
    this.#kept = place?.offset ?? last;
    this.#given = this.#kept;
    this.#running = this.#run();
  }

  /** Notifies the reader of new entries. */
  wake(): void {
    this.#wake.call();
  }

  /** Notifies the reader that an entry was freed; whether the sink has its records is determined later. */
  freed(offset: number, records: number): void {
    if (offset > this.#kept && records > 0) this.#freed.push({ offset, records });
  }

  /**
   * Passes the remaining records, closes the sink, and waits for buffered records until the signal aborts. Call once;
   * records that are not stored are redelivered at the next start.
   */
  async close(signal: AbortSignal): Promise<void> {
    this.#stopping.abort();
    this.#wake.call();
    const over = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    const rest = this.#running === null || this.#failures > 0 ? null : this.#rest();
    // A sink that buffers records answers all of them when it is closed.
    const closed = Promise.resolve(rest?.given)
      .catch(() => {})
      .then(async () => await this.sink.close(signal));
    const all = Promise.allSettled([closed, this.#running, rest?.kept]);
    await Promise.race([all, over]);
    closed.catch((error: unknown) =>
      this.#logger.warn({ err: error, sink: this.sink.name }, 'a usage sink did not close cleanly'),
    );
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const begun = performance.now();
      try {
        const hadMore = await this.#page();
        this.#failures = 0;
        this.#backoff.reset();
        if (!hadMore) await this.#wake.wait();
        await this.#pause(PACE_MS - (performance.now() - begun));
      } catch (error) {
        if (signal.aborted || (error instanceof LogError && error.code === 'draining')) return;
        await this.#failed(error);
      }
    }
  }

  async #failed(error: unknown): Promise<void> {
    this.#failures += 1;
    const waitMs = Math.round(this.#backoff.next(askedPauseOf(error)));
    if (this.#failures === FAILURES_TO_REPORT || waitMs >= LAST_PAUSE_MS / 2) {
      this.#logger.warn(
        { err: error, sink: this.sink.name, failures: this.#failures, again_in_ms: waitMs },
        'a usage sink fails; its records are kept and come again',
      );
    }
    await this.#pause(waitMs);
  }

  /** Waits, or returns early when the reader stops. */
  async #pause(milliseconds: number): Promise<void> {
    if (milliseconds > 0) await pause(milliseconds, this.#stopping.signal);
  }

  /** Passes the available records to the sink; false if there were none. Throws the error of the sink. */
  async #page(): Promise<boolean> {
    const gift = new Gift(this.sink);
    this.#given = this.#kept;
    for (let chunk = 0; chunk < (this.#failures > 0 ? 1 : CHUNKS) && !gift.hasFailed; chunk += 1) {
      const entries = await this.#read(this.#given);
      const last = entries.at(-1);
      if (last === undefined || this.#stopping.signal.aborted) break;
      this.#given = last.offset;
      gift.give(this.#recordsIn(entries));
      await turn();
    }
    if (this.#given === this.#kept) return false;
    const hangs = setTimeout(() => {
      this.#logger.warn({ sink: this.sink.name, seconds: HANGS_MS / 1000 }, 'a usage sink does not answer');
    }, HANGS_MS);
    const failure = await gift.outcome().finally(() => clearTimeout(hangs));
    if (failure !== null) this.#given = failure.before;
    await this.#keep(this.#given);
    if (failure !== null) throw failure.error;
    return true;
  }

  /** Passes one more chunk without waiting for the previous ones. */
  #rest(): { readonly given: Promise<void>; readonly kept: Promise<void> } {
    const before = this.#given;
    const gift = new Gift(this.sink);
    const given = (async () => {
      const entries = await this.#read(before);
      gift.give(this.#recordsIn(entries));
      return entries.at(-1)?.offset ?? before;
    })();
    const kept = (async () => {
      const last = await given;
      const failure = await gift.outcome();
      await this.#running;
      // The cursor must not pass a record that was not stored.
      if (this.#kept === before) await this.#keep(failure === null ? last : failure.before);
    })();
    return { given: given.then(() => {}), kept };
  }

  #recordsIn(entries: readonly Entry[]): UsageEvent[] {
    return entries.flatMap((entry) => this.#recent.of(entry.offset) ?? eventsIn(entry, this.#log.id));
  }

  async #read(after: number): Promise<readonly Entry[]> {
    try {
      return await this.#log.read(USAGE_STREAM, { after, maxBytes: CHUNK_BYTES });
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'cursor_expired') throw error;
      const { first } = await this.#log.stats(USAGE_STREAM);
      this.#countDropped(first);
      return await this.#log.read(USAGE_STREAM, { after: first - 1, maxBytes: CHUNK_BYTES });
    }
  }

  #countDropped(first: number): void {
    const gone = this.#freed.filter(({ offset }) => offset > this.#kept && offset < first);
    const records = gone.reduce((sum, one) => sum + one.records, 0);
    this.#freed = this.#freed.filter(({ offset }) => offset >= first);
    this.#dropped += records;
    this.#logger.warn({ sink: this.sink.name, records }, 'usage records were dropped: they waited too long');
  }

  async #keep(offset: number): Promise<void> {
    if (offset <= this.#kept) return;
    await this.#cursor.commit(offset);
    this.#kept = offset;
    if (this.#freed.length > 0) this.#freed = this.#freed.filter((one) => one.offset > offset);
  }
}

/** The pause that a sink requests by `retryAfterMs` of its error, milliseconds; 0 for none. */
function askedPauseOf(error: unknown): number {
  const asked = error instanceof Error && 'retryAfterMs' in error ? Number(error.retryAfterMs) : 0;
  return Number.isFinite(asked) ? Math.min(Math.max(0, asked), LONGEST_ASKED_MS) : 0;
}

/** Why a sink has not stored all records. */
interface Failure {
  readonly error: unknown;
  /** The last offset before the first record that was not stored. */
  readonly before: number;
}

/** Records passed to a sink, and its answers. */
class Gift {
  readonly #sink: Sink;
  /** Each distinct answer with its first record: sinks answer many records with one promise. */
  readonly #answers = new Map<Promise<void>, UsageEvent>();
  #thrown: Failure | null = null;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Whether the sink has thrown; then no more records are passed. */
  get hasFailed(): boolean {
    return this.#thrown !== null;
  }

  give(events: readonly UsageEvent[]): void {
    for (const event of events) {
      try {
        const answer = this.#sink.writeEvent(event);
        if (answer === undefined || this.#answers.has(answer)) continue;
        this.#answers.set(answer, event);
        // The answer is awaited later; until then a rejection must not end the process.
        answer.catch(() => {});
      } catch (error) {
        this.#thrown = { error, before: offsetOf(event) - 1 };
        return;
      }
    }
  }

  /** Resolves when all are answered: null if all were stored. */
  async outcome(): Promise<Failure | null> {
    const answers = [...this.#answers];
    const settled = await Promise.allSettled(answers.map(([answer]) => answer));
    const failures = settled.flatMap((one, i): Failure[] => {
      const event = answers[i]?.[1];
      if (one.status === 'fulfilled' || event === undefined) return [];
      return [{ error: one.reason, before: offsetOf(event) - 1 }];
    });
    if (this.#thrown !== null) failures.push(this.#thrown);
    return failures.toSorted((a, b) => a.before - b.before)[0] ?? null;
  }
}
