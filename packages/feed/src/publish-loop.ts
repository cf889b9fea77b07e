import { type Logger, pause } from '@weir/base';

/** How often to look for changes of other nodes; this node's changes are notified. */
const LOOK_MS = 30_000;
const PAUSE_MS = 1_000;
/** Consecutive failures before a warning: a store that starts or restarts is not reported. */
const FAILURES_TO_REPORT = 30;

/** What a {@link PublishLoop} publishes. */
export interface Published {
  /** Completes "the feed cannot publish". */
  readonly what: string;
  /** Publishes some items; false if there are none. */
  readonly publish: () => Promise<boolean>;
  /** Resolves when there may be more, or after `ms`. */
  readonly changed: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Publishes the changes of a store to the feed, and retries during outages of the store. */
export class PublishLoop {
  readonly #published: Published;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;

  constructor(published: Published, logger: Logger) {
    this.#published = published;
    this.#logger = logger;
  }

  start(): void {
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { what, publish, changed } = this.#published;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (!(await publish())) await changed(LOOK_MS, signal);
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures === FAILURES_TO_REPORT)
          this.#logger.warn({ err: error }, `the feed cannot publish ${what}; retrying`);
        await pause(PAUSE_MS, signal);
      }
    }
  }
}
