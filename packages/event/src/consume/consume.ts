import { setImmediate as nextTurn } from 'node:timers/promises';
import { defined } from '@weir/base';
import { ConsumeError } from '../consume-error.js';
import { payloadText } from '../raw-event.js';
import type { EventStream, StreamedEvent, StreamGap, StreamState } from '../source/event-stream.js';
import { readyLine, warnLine } from './contract.js';
import { EventQueue } from './event-queue.js';
import { type EventSink, SinkFailure } from './event-sink.js';
import type { Outcome } from './outcome.js';
import type { PreparedConsume } from './prepare.js';
import { type Shaped, Shaper } from './shaper.js';
import type { Stop } from './stop.js';

/** Options of {@link consume}. */
export interface ConsumeOptions {
  readonly stream: EventStream;
  readonly sink: EventSink;
  /** Ends the consumer from outside, and holds the reason of its end. */
  readonly stop: Stop;
  /** Writes a contract line to standard error; lines have no line feed. */
  readonly report: (line: string) => void;
  /** Writes a line that must not be suppressed, such as a gap; default `report`. */
  readonly reportAlways?: (line: string) => void;
  /** Ends with an error after a gap, once the events before it are handled; default false. */
  readonly failOnGap?: boolean;
  /** Ends after this number of events; default never. */
  readonly maxEvents?: number;
  /** Ends this long after the consumer became ready; milliseconds, default never. */
  readonly timeoutMs?: number;
  /** Exit reason if the stream ends normally; default `stdin`. */
  readonly endOfStream?: 'stdin' | 'limit';
  /** How long to wait for an interrupted source before the first connection; milliseconds, default 60 s. */
  readonly startMs?: number;
  /**
   * True if the stream itself limits its unacknowledged events, as a group does. The queue is then unbounded, because
   * an event that waits outside it could not ask for permission to begin. Default false.
   */
  readonly isBounded?: boolean;
}

/**
 * Consumes until something ends it, and returns the outcome. Never throws: errors are in the outcome. The caller writes
 * the last contract line, since it may have to report an error first.
 */
export async function consume(prepared: PreparedConsume, options: ConsumeOptions): Promise<Outcome> {
  const run = new Run(prepared, options);
  try {
    const outcome = await run.toItsEnd();
    await options.stream.end?.(outcome.reason);
    return outcome;
  } finally {
    options.stop.done();
    await prepared.jq?.close();
  }
}

const START_MS = 60_000;

/** Number of failures reported individually; later ones are only counted. */
const REPORTED_FAILURES = 10;

/** Bound of the queued payloads: 1,000 events of the maximum size would need 1 GB. */
const QUEUE_CHARACTERS = 8 * 1024 * 1024;

class Run {
  readonly #prepared: PreparedConsume;
  readonly #options: ConsumeOptions;
  readonly #queue: EventQueue<StreamedEvent>;
  readonly #shaper: Shaper;
  readonly #workers: number;
  #startedAt = performance.now();
  #isReady = false;
  #isInterrupted = false;
  #timer: NodeJS.Timeout | undefined;
  #starting: NodeJS.Timeout | undefined;
  #begun = 0;
  #received = 0;
  #failed = 0;
  #error: ConsumeError | undefined;

  constructor(prepared: PreparedConsume, options: ConsumeOptions) {
    const { key, params, api, jq } = prepared;
    this.#prepared = prepared;
    this.#options = options;
    this.#workers = key.workers;
    const { isBounded = false } = options;
    this.#queue = new EventQueue({
      items: isBounded ? Number.POSITIVE_INFINITY : Math.max(key.bufferSize, key.workers),
      weight: isBounded ? Number.POSITIVE_INFINITY : QUEUE_CHARACTERS,
      weigh: ({ event }) => payloadText(event).length,
    });
    this.#shaper = new Shaper(key, params, api, jq);
  }

  async toItsEnd(): Promise<Outcome> {
    const { stop, report, endOfStream = 'stdin' } = this.#options;
    const drop = () => this.#queue.end('drop');
    stop.signal.addEventListener('abort', drop, { once: true });
    if (stop.signal.aborted) drop();
    const working = Array.from({ length: this.#workers }, () => this.#work());
    // Do not wait for a hook that never returns; one turn later, so that aborted work can report its failure first.
    await Promise.race([Promise.all([this.#pull(), ...working]), aborted(stop.hurry).then(() => nextTurn())]);
    clearTimeout(this.#timer);
    clearTimeout(this.#starting);
    if (this.#failed > REPORTED_FAILURES) report(warnLine(`${this.#failed} events failed in all`));
    return {
      reason: stop.reason ?? (this.#error === undefined ? endOfStream : 'upstream'),
      received: this.#received,
      failed: this.#failed,
      elapsedMs: performance.now() - this.#startedAt,
      ...defined({ error: this.#error }),
    };
  }

  // Stream to queue. Events that arrived before a stream failure are still processed.
  async #pull(): Promise<void> {
    const { stream, stop } = this.#options;
    const watcher = {
      onState: (state: StreamState, reason?: string) => this.#onState(state, reason),
      onGap: (gap: StreamGap) => this.#onGap(gap),
    };
    try {
      for await (const item of stream.follow(watcher, stop.signal)) {
        await this.#queue.put(item);
        if (stop.signal.aborted) break;
      }
    } catch (error) {
      if (!stop.signal.aborted) this.#error ??= ConsumeError.from(error);
    } finally {
      this.#queue.end('keep');
    }
  }

  // Queue to sink; each worker runs this loop.
  async #work(): Promise<void> {
    const { stop, isBounded = false } = this.#options;
    try {
      for (;;) {
        const taken = await this.#queue.take(this.#workers, isBounded ? 1 : undefined);
        if (taken.length === 0) return;
        // For a group, begin one event at a time: if it kills or suspends this process, the other events are not affected.
        const items = await begun(taken, stop.signal);
        for (const shaped of await this.#shaper.shape(items, stop.hurry)) {
          if (stop.signal.aborted) return;
          await this.#deliver(shaped);
        }
      }
    } catch (error) {
      if (stop.signal.aborted) return;
      this.#error ??= ConsumeError.from(error);
      stop.end('error');
    }
  }

  async #deliver({ item, lines, failure }: Shaped): Promise<void> {
    const { sink, stop, maxEvents } = this.#options;
    if (failure !== undefined) return await this.#fail(item, failure);
    if (lines.length > 0) {
      // Count before writing, so that another worker does not begin one event too many.
      if (maxEvents !== undefined && this.#begun >= maxEvents) return;
      this.#begun += 1;
      const refusal = await refusalOf(sink.write({ item, lines }, stop.hurry));
      this.#received += 1;
      if (this.#received === maxEvents) stop.end('limit');
      if (refusal !== undefined) return await this.#fail(item, refusal);
    }
    await item.ack?.();
  }

  async #fail(item: StreamedEvent, reason: string): Promise<void> {
    const { event, cursor } = item;
    const { stop } = this.#options;
    // If our own end interrupted the event, do not fail it: the group gives it to another member without counting an attempt.
    if (item.fail !== undefined && (stop.hurry.aborted || stop.reason === 'signal')) {
      const id = JSON.stringify(event.event_id);
      this.#options.report(
        warnLine(`event ${id}: ${reason}; it is redelivered, because this consumer has ended`),
      );
      return;
    }
    await item.fail?.();
    this.#failed += 1;
    if (this.#failed > REPORTED_FAILURES) return;
    const at = cursor === undefined ? '' : ` at ${cursor}`;
    const last = this.#failed === REPORTED_FAILURES ? '; further failures are only counted' : '';
    this.#options.report(warnLine(`event ${JSON.stringify(event.event_id)}${at}: ${reason}${last}`));
  }

  #onState(state: StreamState, reason?: string): void {
    const { report, stop, timeoutMs } = this.#options;
    if (state === 'disconnected' && !this.#isReady) this.#watchStart(reason);
    if (state === 'disconnected' && this.#isReady && !this.#isInterrupted) {
      this.#isInterrupted = true;
      report(warnLine(`interrupted: ${reason ?? 'the source is gone'}; reconnecting`));
    }
    if (state !== 'connected') return;
    if (this.#isInterrupted)
      report(warnLine('connected again; no event was missed unless a gap is reported'));
    this.#isInterrupted = false;
    if (this.#isReady) return;
    this.#isReady = true;
    clearTimeout(this.#starting);
    this.#startedAt = performance.now();
    if (timeoutMs !== undefined) this.#timer = setTimeout(() => stop.end('timeout'), timeoutMs);
    report(readyLine(this.#prepared.key.key));
  }

  // Limit the time until ready: sources retry for an hour, which is too long for a wrong address.
  #watchStart(reason = 'the source is gone'): void {
    const { stop, startMs = START_MS } = this.#options;
    this.#starting ??= setTimeout(() => {
      this.#error ??= new ConsumeError('network', 'unreachable', `no connection to the source: ${reason}`, {
        hint: 'Consume again once the source is back; "weir event status" shows its state.',
      });
      stop.end('upstream');
    }, startMs);
  }

  #onGap({ missed, message }: StreamGap): void {
    const { report, reportAlways = report, failOnGap = false } = this.#options;
    const gap = `missed ${missed ?? 'an unknown number of'} event(s): ${message}`;
    reportAlways(warnLine(`gap: ${gap}`));
    if (!failOnGap) return;
    throw new ConsumeError('failed', 'events_missed', gap, {
      hint: 'Consume again from the oldest event with --from earliest, or omit --fail-on-gap.',
    });
  }
}

/** The events that may be handled now. */
async function begun(items: readonly StreamedEvent[], signal: AbortSignal): Promise<StreamedEvent[]> {
  const mayBegin = await Promise.all(items.map(async (item) => (await item.begin?.(signal)) ?? true));
  return items.filter((_, i) => mayBegin[i]);
}

async function refusalOf(writing: Promise<void>): Promise<string | undefined> {
  try {
    await writing;
    return undefined;
  } catch (error) {
    if (error instanceof SinkFailure) return error.message;
    throw error;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
