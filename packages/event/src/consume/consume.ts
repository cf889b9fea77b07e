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

/** How a prepared request is run. */
export interface ConsumeOptions {
  readonly stream: EventStream;
  readonly sink: EventSink;
  /** What ends it from outside, and learns why it ended. */
  readonly stop: Stop;
  /** Takes lines of the contract for standard error, without their ends. */
  readonly tell: (line: string) => void;
  /** Takes those that no consumer may miss, such as gaps; default `tell`. */
  readonly tellAlways?: (line: string) => void;
  /** Ends with an error when events are missing, once those before the gap are handled; default false. */
  readonly failOnGap?: boolean;
  /** Ends after so many events; default never. */
  readonly maxEvents?: number;
  /** Ends so long after it became ready; milliseconds, default never. */
  readonly timeoutMs?: number;
  /** Why it ended when the stream ends by itself and well; default `stdin`. */
  readonly endOfStream?: 'stdin' | 'limit';
  /** How long it waits for a source that is interrupted before it was ever ready; milliseconds, default a minute. */
  readonly startMs?: number;
  /**
   * Whether the stream bounds what it brings by what is done with, as a group does: then all is taken from it at once, as
   * it may have to say that an event may begin. Default false.
   */
  readonly isBounded?: boolean;
}

/**
 * Consumes until something stops it, and says what became of it. It throws nothing: what went wrong is in the outcome.
 * The last line of the contract is left to the caller, who may have an error to tell before it.
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

/** Failures that are told one by one; further ones are only counted. */
const TOLD_FAILURES = 10;

/** Payload that waits at most: a thousand of the largest events would be a gigabyte. */
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
    const { stop, tell, endOfStream = 'stdin' } = this.#options;
    const drop = () => this.#queue.end('drop');
    stop.signal.addEventListener('abort', drop, { once: true });
    if (stop.signal.aborted) drop();
    const working = Array.from({ length: this.#workers }, () => this.#work());
    // A hook that never answers keeps nobody for ever; what is cut off says so first.
    await Promise.race([Promise.all([this.#pull(), ...working]), aborted(stop.hurry).then(() => nextTurn())]);
    clearTimeout(this.#timer);
    clearTimeout(this.#starting);
    if (this.#failed > TOLD_FAILURES) tell(warnLine(`${this.#failed} events failed in all`));
    return {
      reason: stop.reason ?? (this.#error === undefined ? endOfStream : 'upstream'),
      received: this.#received,
      failed: this.#failed,
      elapsedMs: performance.now() - this.#startedAt,
      ...defined({ error: this.#error }),
    };
  }

  // The stream → the queue. What has come before the stream fails is still worked on.
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

  // The queue → the sink, as one of the workers.
  async #work(): Promise<void> {
    const { stop, isBounded = false } = this.#options;
    try {
      for (;;) {
        const taken = await this.#queue.take(this.#workers, isBounded ? 1 : undefined);
        if (taken.length === 0) return;
        // One that kills this process, or waits while it is stopped, takes no others along.
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
      // Counted before it is written: another worker must not begin one too many meanwhile.
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
    // What our own end has cut off is no fault of the event: the group gives it to somebody else, as no further try.
    if (item.fail !== undefined && (stop.hurry.aborted || stop.reason === 'signal')) {
      const id = JSON.stringify(event.event_id);
      this.#options.tell(warnLine(`event ${id}: ${reason}; it comes again, as this consumer was ended`));
      return;
    }
    await item.fail?.();
    this.#failed += 1;
    if (this.#failed > TOLD_FAILURES) return;
    const at = cursor === undefined ? '' : ` at ${cursor}`;
    const last = this.#failed === TOLD_FAILURES ? '; further failures are only counted' : '';
    this.#options.tell(warnLine(`event ${JSON.stringify(event.event_id)}${at}: ${reason}${last}`));
  }

  #onState(state: StreamState, reason?: string): void {
    const { tell, stop, timeoutMs } = this.#options;
    if (state === 'disconnected' && !this.#isReady) this.#watchStart(reason);
    if (state === 'disconnected' && this.#isReady && !this.#isInterrupted) {
      this.#isInterrupted = true;
      tell(warnLine(`interrupted: ${reason ?? 'the source is gone'}; coming back`));
    }
    if (state !== 'connected') return;
    if (this.#isInterrupted) tell(warnLine('connected again; nothing was missed unless a gap is told'));
    this.#isInterrupted = false;
    if (this.#isReady) return;
    this.#isReady = true;
    clearTimeout(this.#starting);
    this.#startedAt = performance.now();
    if (timeoutMs !== undefined) this.#timer = setTimeout(() => stop.end('timeout'), timeoutMs);
    tell(readyLine(this.#prepared.key.key));
  }

  // Its time counts from ready: a source that others wait for patiently would keep it for as long.
  #watchStart(reason = 'the source is gone'): void {
    const { stop, startMs = START_MS } = this.#options;
    this.#starting ??= setTimeout(() => {
      this.#error ??= new ConsumeError('network', 'unreachable', `no events come: ${reason}`, {
        hint: 'Consume again once the source is back; "weir event status" shows how it is.',
      });
      stop.end('upstream');
    }, startMs);
  }

  #onGap({ missed, message }: StreamGap): void {
    const { tell, tellAlways = tell, failOnGap = false } = this.#options;
    const gap = `missed ${missed ?? 'an unknown number of'} event(s): ${message}`;
    tellAlways(warnLine(`gap: ${gap}`));
    if (!failOnGap) return;
    throw new ConsumeError('failed', 'events_missed', gap, {
      hint: 'Consume again from where the history begins with --from earliest, or leave --fail-on-gap out.',
    });
  }
}

/** Those that may be handled now. */
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
