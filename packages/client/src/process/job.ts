import { type Channel, type ChannelOptions, channel } from '../channel/channel.js';
import type { Client } from '../client.js';
import { WeirError } from '../weir-error.js';
import { type Process, processOf } from './process.js';

/** Longest time until a cancellation is noticed, milliseconds. */
const LOOK_MS = 5_000;
/** A heartbeat that does not get through must not hold up the next one. */
const PATIENCE_MS = 2_000;

/** A process in the hands of this executor. */
export class Job {
  readonly process: Process;
  /** Proves that it is this executor's; as long as {@link signal} has not said otherwise. */
  readonly assignment: string;
  readonly #client: Client;
  readonly #lost = new AbortController();
  readonly #channels: Channel[] = [];
  #beating: NodeJS.Timeout | null = null;

  /** @param given the answer of `assign` */
  constructor(client: Client, given: unknown) {
    this.#client = client;
    this.process = processOf(given);
    // The cast holds: a process that is assigned comes with it.
    this.assignment = (given as { readonly assignment: string }).assignment;
    this.#beatLater();
  }

  get id(): string {
    return this.process.id;
  }

  get name(): string {
    return this.process.name;
  }

  get args(): unknown {
    return this.process.args;
  }

  /** Aborts when it is no longer this executor's: cancelled, or given to somebody else. Its reason is a WeirError. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** A channel of it, as its executor; each call is one of its own. It ends with the job. */
  channel(name: string, options: Pick<ChannelOptions, 'after'> = {}): Channel {
    const { id: process, assignment, signal } = this;
    const opened = channel(this.#client, { ...options, process, name, assignment, signal });
    this.#channels.push(opened);
    return opened;
  }

  /** Ends it, once all that was sent on its channels is stored. */
  async end(outcome: { readonly output: unknown } | { readonly error: string }): Promise<void> {
    try {
      if (this.signal.aborted) return;
      await Promise.all(this.#channels.map((one) => one.close({ flushMs: Number.POSITIVE_INFINITY })));
      const status = 'error' in outcome ? 'failed' : 'success';
      await this.#post('close', { status, ...outcome });
    } catch (error) {
      if (!isLoss(error)) throw error;
      this.#lose(error);
    } finally {
      if (this.#beating !== null) clearTimeout(this.#beating);
      this.#beating = null;
    }
  }

  #beatLater(): void {
    const { maxExecMs } = this.process;
    const period = maxExecMs === null ? LOOK_MS : Math.min(LOOK_MS, maxExecMs / 3);
    this.#beating = setTimeout(() => void this.#beat(), period);
    this.#beating.unref();
  }

  /** Says that it is being worked on, and finds out whether it still is to be. Never rejects. */
  async #beat(): Promise<void> {
    try {
      await this.#post('heartbeat', {}, PATIENCE_MS);
    } catch (error) {
      if (isLoss(error)) this.#lose(error);
    }
    if (this.#beating !== null && !this.signal.aborted) this.#beatLater();
  }

  #lose(reason: unknown): void {
    this.#lost.abort(reason);
  }

  async #post(what: string, body: object, patienceMs?: number): Promise<unknown> {
    return await this.#client.call({
      method: 'POST',
      path: `/api/v1/processes/${encodeURIComponent(this.id)}/${what}`,
      body: { ...body, assignment: this.assignment },
      ...(patienceMs === undefined ? {} : { patienceMs }),
    });
  }
}

/** Whether an answer says that the process is no longer this executor's. */
function isLoss(error: unknown): boolean {
  return error instanceof WeirError && LOSSES.has(error.code);
}

const LOSSES: ReadonlySet<string> = new Set([
  'stale_attempt',
  'invalid_state',
  'process_not_found',
  'forbidden',
]);
