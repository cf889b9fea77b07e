import { Backoff, pause } from '@weir/base';
import type { Connection } from '../http/connection.js';
import { cancelled } from '../http/failure.js';
import { WeirError } from '../weir-error.js';
import { Job, type Outcome } from './job.js';

/** How a worker works. */
export interface WorkerOptions {
  /** Processes at once; default 1. */
  readonly concurrency?: number;
  /** Reports a server that is away, or a process that was lost. Default: it is written to standard error. */
  readonly onError?: (error: unknown) => void;
}

/** Works on a process: what it returns is the output, what it throws the error. */
export type Handler = (job: Job) => Promise<unknown> | unknown;

/** Longest wait of one request, milliseconds. */
const WAIT_MS = 30_000;
/** The answer to a request that waits comes a little after the wait. */
const GRACE_MS = 15_000;
/** Errors that no later try can cure. */
const HOPELESS: ReadonlySet<string> = new Set(['unauthorized', 'insufficient_scope', 'origin_not_allowed']);

/**
 * Takes processes of a type, one after the other, until it is closed.
 *
 * ```ts
 * const llm = weir.worker('llm', async (job) => {
 *   const tokens = job.channel('tokens');
 *   for await (const token of model(job.args, job.signal)) await tokens.send(token);
 *   await tokens.sendEnd();
 * });
 * process.once('SIGTERM', () => llm.close());
 * ```
 */
export function worker(
  connection: Connection,
  type: string,
  handler: Handler,
  options: WorkerOptions = {},
): Worker {
  const made = new Worker(connection, type, handler, options);
  const forget = connection.onClose(() => made.close());
  void made.closed.then(forget);
  return made;
}

/** Made by {@link worker}. */
export class Worker {
  readonly #connection: Connection;
  readonly #type: string;
  readonly #handler: Handler;
  readonly #onError: (error: unknown) => void;
  readonly #closing = new AbortController();
  /** Resolves when it was closed, or its key was refused, and the last process is done. */
  readonly closed: Promise<void>;

  constructor(connection: Connection, type: string, handler: Handler, options: WorkerOptions) {
    this.#connection = connection;
    this.#type = type;
    this.#handler = handler;
    this.#onError = options.onError ?? ((error) => console.error(`weir worker ${type}:`, error));
    const places = Array.from({ length: options.concurrency ?? 1 }, () => this.#work());
    this.closed = Promise.all(places).then(() => {});
  }

  /** Takes no more processes; resolves when the current ones are done. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.closed;
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new Backoff();
    let isFailing = false;
    while (!signal.aborted) {
      try {
        const job = await this.#assign(signal);
        backoff.reset();
        isFailing = false;
        if (job !== null) await this.#handle(job);
      } catch (error) {
        if (signal.aborted) return;
        // Report an outage once: the worker tries again every few seconds.
        if (!isFailing) this.#tell(error);
        isFailing = true;
        if (error instanceof WeirError && HOPELESS.has(error.code)) return;
        await pause(backoff.next(error instanceof WeirError ? error.retryAfterMs : 0), signal);
      }
    }
  }

  async #assign(signal: AbortSignal): Promise<Job | null> {
    if (signal.aborted) throw cancelled(signal);
    const answer = await this.#connection.json({
      method: 'POST',
      path: '/api/v1/processes/assign',
      body: { executor_type: this.#type, wait_ms: WAIT_MS },
      timeoutMs: WAIT_MS + GRACE_MS,
      patienceMs: 0,
      signal,
    });
    return answer === null ? null : new Job(this.#connection, answer);
  }

  async #handle(job: Job): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = { output: (await this.#handler(job)) ?? null };
    } catch (error) {
      outcome = { error: error instanceof Error ? error.message : String(error) };
    }
    await job.end(outcome);
    if (job.signal.aborted) this.#tell(job.signal.reason);
  }

  #tell(error: unknown): void {
    try {
      this.#onError(error);
    } catch (failure) {
      console.error(`weir worker ${this.#type}: onError failed:`, failure);
    }
  }
}
