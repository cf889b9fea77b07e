import type { Logger } from '@weir/base';
import { StreamStore } from '@weir/channel/stream';
import type { Log } from '@weir/log';
import { Problem } from '../http/problem.js';

/** The streams of a server, from start to shutdown. */
export class ServerStreams {
  readonly #log: Log;
  readonly #logger: Logger;
  #store: StreamStore | null = null;

  constructor(log: Log, logger: Logger) {
    this.#log = log;
    this.#logger = logger;
  }

  /** @throws Problem 503 before {@link start} */
  get store(): StreamStore {
    if (this.#store !== null) return this.#store;
    throw new Problem('draining', 'the server is not ready');
  }

  async start(): Promise<void> {
    this.#store = await StreamStore.open({
      log: this.#log,
      onFailure: (error) => this.#logger.error({ err: error }, 'a stream could not be removed'),
    });
  }

  async close(): Promise<void> {
    await this.#store?.close();
  }
}
