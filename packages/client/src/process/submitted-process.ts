import { type Channel, type ChannelOptions, channel } from '../channel/channel.js';
import type { Connection } from '../http/connection.js';
import { hasEnded, type Process, processOf } from './process.js';

/** Longest wait of one request, milliseconds. */
const WAIT_MS = 30_000;
/** A request that waits answers a little after its time. */
const GRACE_MS = 15_000;

/** A process this client submitted, or one it observes. */
export class SubmittedProcess {
  readonly id: string;
  readonly #connection: Connection;

  constructor(connection: Connection, id: string) {
    this.#connection = connection;
    this.id = id;
  }

  /** A channel of it; each call is one of its own. */
  channel(name: string, options: Pick<ChannelOptions, 'after' | 'signal'> = {}): Channel {
    return channel(this.#connection, { ...options, process: this.id, name });
  }

  /** How it stands now. */
  async get(): Promise<Process> {
    return processOf(await this.#connection.json({ method: 'GET', path: this.#path }));
  }

  /** How it ended, once it has. @throws WeirError `cancelled` by the signal */
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

  /** Cancels it, whether somebody works on it or not. @throws WeirError `invalid_state` when it has ended */
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
