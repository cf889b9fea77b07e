import { Worker } from 'node:worker_threads';
import { NOTHING_USED, type QueryUse } from '../query-use.js';
import { EngineException } from './engine-exception.js';
import type { SessionPlace } from './engine-sessions.js';
import type { FromQueryWorker, StreamingQuery, ToQueryWorker } from './query-worker.js';

/** Receives one chunk of an answer; resolves when it is ready for the next. */
export type ChunkReader = (bytes: Uint8Array) => Promise<void> | void;

interface Slot {
  readonly worker: Worker;
  onMessage: ((message: FromQueryWorker) => void) | undefined;
  onLost: ((error: Error) => void) | undefined;
}

/** Runs streaming SELECTs, a limited number at a time, each in its own thread and session. Threads start on demand. */
export class QueryPool {
  readonly #place: SessionPlace;
  readonly #size: number;
  readonly #maxWaiting: number;
  readonly #idle: Slot[] = [];
  readonly #waiting: ((slot: Slot) => void)[] = [];
  #started = 0;
  /** When each query that has not stopped yet was asked to stop, milliseconds. */
  readonly #stopping = new Map<Slot, number>();
  #job = 0;

  constructor(place: SessionPlace, options: { readonly size: number; readonly maxWaiting: number }) {
    this.#place = place;
    this.#size = options.size;
    this.#maxWaiting = options.maxWaiting;
  }

  /**
   * Runs a SELECT; resolves when the engine has finished it. `signal` ends it between two chunks; KILL QUERY from
   * another session stops it within one. `used` is called with the use before this settles, if the query ran.
   */
  async run(
    query: StreamingQuery,
    read: ChunkReader,
    signal: AbortSignal,
    used: (use: QueryUse) => void,
  ): Promise<void> {
    const slot = await this.#take();
    if (signal.aborted) {
      this.#release(slot);
      throw cancelled();
    }
    const job = ++this.#job;
    const send = (message: ToQueryWorker): void => slot.worker.postMessage(message);
    const stop = (): void => {
      this.#stopping.set(slot, performance.now());
      send({ type: 'stop', job });
    };
    signal.addEventListener('abort', stop, { once: true });
    const startedAt = performance.now();
    let lost = false;
    let failure: EngineException | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        slot.onLost = (error) => {
          lost = true;
          // The thread ended, and its measurement is lost.
          used({ ...NOTHING_USED, elapsedMs: performance.now() - startedAt });
          reject(error);
        };
        slot.onMessage = (message) => {
          if (message.job !== job) return;
          if (message.type !== 'chunk') used(message.used);
          if (message.type === 'done') resolve();
          else if (message.type === 'failed') reject(EngineException.from(message.text));
          else {
            new Promise((taken) => taken(read(message.bytes))).then(
              () => send({ type: signal.aborted ? 'stop' : 'next', job }),
              (error: unknown) => {
                failure = EngineException.from(error);
                stop();
              },
            );
          }
        };
        send({ type: 'run', job, query });
      });
      if (failure !== undefined) throw failure;
      if (signal.aborted) throw cancelled();
    } finally {
      signal.removeEventListener('abort', stop);
      slot.onMessage = undefined;
      slot.onLost = undefined;
      this.#stopping.delete(slot);
      if (!lost) this.#release(slot);
    }
  }

  /** Whether a query waits while every thread has been held for this long by a query that was asked to stop. */
  isStuck(milliseconds: number): boolean {
    const since = performance.now() - milliseconds;
    const held = [...this.#stopping.values()].filter((at) => at < since).length;
    return this.#waiting.length > 0 && held >= this.#size;
  }

  async #take(): Promise<Slot> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#started < this.#size) return this.#start();
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new EngineException(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', 'Too many simultaneous queries');
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #release(slot: Slot): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(slot);
    else next(slot);
  }

  #start(): Slot {
    const worker = new Worker(new URL('./query-worker.js', import.meta.url), {
      workerData: this.#place,
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    });
    const slot: Slot = { worker, onMessage: undefined, onLost: undefined };
    this.#started += 1;
    worker.on('message', (message: FromQueryWorker) => slot.onMessage?.(message));
    worker.on('error', () => this.#lose(slot));
    return slot;
  }

  // A thread that failed outside a query is replaced by the next call; at once if a call waits.
  #lose(slot: Slot): void {
    this.#started -= 1;
    const at = this.#idle.indexOf(slot);
    if (at >= 0) this.#idle.splice(at, 1);
    slot.onLost?.(new EngineException(236, 'ABORTED', 'The thread of this query failed'));
    const next = this.#waiting.shift();
    if (next !== undefined) next(this.#start());
  }
}

function cancelled(): EngineException {
  return new EngineException(394, 'QUERY_WAS_CANCELLED', 'Query was cancelled');
}
