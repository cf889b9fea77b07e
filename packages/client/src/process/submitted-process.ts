import { type Channel, type ChannelOptions, channel } from '../channel/channel.js';
import type { Connection } from '../http/connection.js';
import { hasEnded, type Process, processOf } from './process.js';

/** Longest wait of one request, milliseconds. */
const WAIT_MS = 30_000;
/** The answer to a request that waits comes a little after the wait. */
const GRACE_MS = 15_000;

/** A process this client submitted, or one it observes. */
export class SubmittedProcess {
  readonly id: string;
  readonly #connection: Connection;

  constructor(connection: Connection, id: string) {
    this.#connection = connection;
    this.id = id;
  }

  /** A channel of the process. Each call makes a new one. */
  channel(name: string, options: Pick<ChannelOptions, 'after' | 'signal'> = {}): Channel {
    return channel(this.#connection, { ...options, process: this.id, name });
  }

  /** Its current state. */
  async get(): Promise<Process> {
    return processOf(await this.#connection.json({ method: 'GET', path: this.#path }));
  }

  /** Waits for its end. @throws WeirError `cancelled` by the signal */
  async wait({ signal }: { readonly signal?: AbortSignal } = {}): Promise<Process> {
    for (;;) {
      const answer = await this.#connection.json({
        method: 'GET',
        path: `${this.#path}/wait`,
        query: { timeout: WAIT_MS },
        timeoutMs: WAIT_MS + GRACE_MS,
        signal,
      });
      const process = processOf(answer);
      if (hasEnded(process)) return process;
    }
  }

  /** Cancels it, also while a worker runs it. @throws WeirError `invalid_state` when it has ended */
  async cancel(): Promise<Process> {
    return processOf(await this.#connection.json({ method: 'POST', path: `${this.#path}/cancel` }));
  }

  /**
   * Changes which API keys may read its channels besides the submitter's.
   * @param change ids of API keys, at most 100 each
   * @throws WeirError `forbidden` (another key submitted it), `too_many_observers`
   */
  async changeObservers(change: {
    readonly add?: readonly string[];
    readonly remove?: readonly string[];
  }): Promise<Process> {
    return processOf(
      await this.#connection.json({ method: 'POST', path: `${this.#path}/observers`, body: change }),
    );
  }

  get #path(): string {
    return `/api/v1/processes/${encodeURIComponent(this.id)}`;
  }
}
