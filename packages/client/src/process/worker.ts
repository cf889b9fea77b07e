import { type Client, cancelled } from '../client.js';
import { pause } from '../pause.js';
import { WeirError } from '../weir-error.js';
import { Job } from './job.js';

/** How a worker works. */
export interface WorkerOptions {
  /** Processes at once; default 1. */
  readonly concurrency?: number;
  /** Told of what went wrong besides a process: the server away, a process lost. Default: nobody is. */
  readonly onError?: (error: unknown) => void;
}

/** Works on a process: what it returns is the output, what it throws the error. */
export type Handler = (job: Job) => Promise<unknown> | unknown;

/** Longest wait of one request, milliseconds. */
const WAIT_MS = 30_000;

/**
 * Takes processes of a type, one after the other, until it is closed.
 *
 * ```ts
 * const llm = worker(weir, 'llm', async (job) => {
 *   const tokens = job.channel('tokens');
 *   for await (const token of model(job.args, job.signal)) await tokens.send(token);
 *   await tokens.sendEnd();
 * });
 * process.once('SIGTERM', () => llm.close());
 * ```
 */
export function worker(client: Client, type: string, handler: Handler, options: WorkerOptions = {}): Worker {
  const made = new Worker(client, type, handler, options);
  const forget = client.onClose(() => made.close());
  void made.closed.then(forget);
  return made;
}

/** Made by {@link worker}. */
export class Worker {
  readonly #client: Client;
  readonly #type: string;
  readonly #handler: Handler;
  readonly #onError: (error: unknown) => void;
  readonly #closing = new AbortController();
  /** Resolves once it is closed and the last process done. */
  readonly closed: Promise<void>;

  constructor(client: Client, type: string, handler: Handler, options: WorkerOptions) {
    this.#client = client;
    this.#type = type;
    this.#handler = handler;
    this.#onError = options.onError ?? (() => {});
    const places = Array.from({ length: options.concurrency ?? 1 }, () => this.#work());
    this.closed = Promise.all(places).then(() => {});
  }

  /** Takes no more processes; resolves when those at hand are done. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.closed;
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const job = await this.#assign(signal);
        failures = 0;
        if (job !== null) await this.#handle(job);
      } catch (error) {
        if (signal.aborted) return;
        this.#onError(error);
        await pause(failures, error instanceof WeirError ? error.retryAfterMs : 0, signal);
        failures += 1;
      }
    }
  }

  async #assign(signal: AbortSignal): Promise<Job | null> {
    if (signal.aborted) throw cancelled(signal);
    const answer = await this.#client.call({
      method: 'POST',
      path: '/api/v1/processes/assign',
      body: { executor_type: this.#type, wait_ms: WAIT_MS },
      signal,
    });
    return answer === null ? null : new Job(this.#client, answer);
  }

  async #handle(job: Job): Promise<void> {
    let outcome: { readonly output: unknown } | { readonly error: string };
    try {
      outcome = { output: (await this.#handler(job)) ?? null };
    } catch (error) {
      outcome = { error: error instanceof Error ? error.message : String(error) };
    }
    await job.end(outcome);
    if (job.signal.aborted) this.#onError(job.signal.reason);
  }
}
