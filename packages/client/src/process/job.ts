import { Channel, type ChannelOptions } from '../channel/channel.js';
import type { Connection } from '../http/connection.js';
import { WeirError } from '../weir-error.js';
import { type Process, processOf } from './process.js';

/** Longest time until a cancellation is noticed, milliseconds. */
const LOOK_MS = 5_000;
/** A heartbeat that does not get through must not hold up the next one. */
const PATIENCE_MS = 2_000;

/** A process that is assigned to this worker. */
export class Job {
  readonly process: Process;
  /** Proves to the server that the process is assigned to this worker, until {@link signal} aborts. */
  readonly assignment: string;
  readonly #connection: Connection;
  readonly #lost = new AbortController();
  readonly #channels: Channel[] = [];
  #beating: NodeJS.Timeout | null = null;

  /** @param given the answer of `assign` */
  constructor(connection: Connection, given: unknown) {
    this.#connection = connection;
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

  /** Aborts when the process is cancelled or assigned to another worker. Its reason is a WeirError. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** A channel of the process, as its executor. Each call makes a new one, which ends with the job. */
  channel(name: string, options: Pick<ChannelOptions, 'after'> = {}): Channel {
    const { id: process, assignment, signal } = this;
    // The job closes it: a client that closes waits for the job first.
    const opened = new Channel(this.#connection, { ...options, process, name, assignment, signal }, false);
    this.#channels.push(opened);
    return opened;
  }

  /**
   * Ends the process, once all messages that were sent on its channels are stored. An output that is not JSON, or over 1 MiB,
   * makes it a failure whose error names the reason.
   */
  async end(outcome: Outcome): Promise<void> {
    try {
      if (this.signal.aborted) return;
      await Promise.all(this.#channels.map((one) => one.close({ flushMs: Number.POSITIVE_INFINITY })));
      await this.#close(outcome);
    } catch (error) {
      if (!isLoss(error)) throw error;
      this.#lose(error);
    } finally {
      if (this.#beating !== null) clearTimeout(this.#beating);
      this.#beating = null;
    }
  }

  async #close(outcome: Outcome): Promise<void> {
    if ('error' in outcome) {
      await this.#post('close', { status: 'failed', error: shortened(outcome.error) });
      return;
    }
    try {
      await this.#post('close', { status: 'success', ...outcome });
    } catch (error) {
      const isUnfit = error instanceof TypeError || (error instanceof WeirError && UNFIT.has(error.status));
      if (!isUnfit) throw error;
      await this.#post('close', {
        status: 'failed',
        error: shortened(`the output cannot be kept: ${error.message}`),
      });
    }
  }

  #beatLater(): void {
    const { maxExecMs } = this.process;
    const period = maxExecMs === null ? LOOK_MS : Math.min(LOOK_MS, maxExecMs / 3);
    this.#beating = setTimeout(() => void this.#beat(), period);
    this.#beating.unref();
  }

  /** Sends a heartbeat, and learns whether the process is still assigned to this worker. Never rejects. */
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
    return await this.#connection.json({
      method: 'POST',
      path: `/api/v1/processes/${encodeURIComponent(this.id)}/${what}`,
      body: { ...body, assignment: this.assignment },
      ...(patienceMs === undefined ? {} : { patienceMs, timeoutMs: patienceMs }),
    });
  }
}

/** What came of a job. */
export type Outcome = { readonly output: unknown } | { readonly error: string };

/** Statuses that refuse an output for its content or size. */
const UNFIT: ReadonlySet<number> = new Set([400, 413]);
/** A server keeps 16 KiB of an error; a character takes up to three bytes. */
const MAX_ERROR_LENGTH = 5_000;

function shortened(error: string): string {
  return error.length <= MAX_ERROR_LENGTH ? error : `${error.slice(0, MAX_ERROR_LENGTH)}…`;
}

/** Whether an answer reports that the process is no longer assigned to this worker. */
function isLoss(error: unknown): boolean {
  return error instanceof WeirError && LOSSES.has(error.code);
}

const LOSSES: ReadonlySet<string> = new Set([
  'stale_attempt',
  'invalid_state',
  'process_not_found',
  'forbidden',
]);
