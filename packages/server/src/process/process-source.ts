import { setTimeout as delay } from 'node:timers/promises';
import { documentItem, type Feed, type NewItem } from '@weir/feed';
import type { Outbox, OutboxChange } from '@weir/process';
import type { Logger } from 'pino';

const SOURCE = 'processes';
/** What other nodes wrote is looked for so often; of this one's it is told. */
const LOOK_MS = 30_000;
const PAUSE_MS = 1_000;
/** Failures in a row that are worth telling: a store that starts or restarts is none of this. */
const WORTH_TELLING = 30;

/**
 * Publishes what happens to processes on the feed's stream `processes`: each change once, as the place up to which they
 * were published is kept with them, in order for each process.
 */
export class ProcessSource {
  readonly #outbox: Outbox;
  readonly #feed: Feed;
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;

  constructor(outbox: Outbox, feed: Feed, logger: Pick<Logger, 'warn'>) {
    this.#outbox = outbox;
    this.#feed = feed;
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
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (!(await this.#publish())) await this.#outbox.changed(LOOK_MS, signal);
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures === WORTH_TELLING)
          this.#logger.warn({ err: error }, 'the feed cannot tell of processes; trying again');
        await delay(PAUSE_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** Publishes a page; false where there is nothing. */
  async #publish(): Promise<boolean> {
    const page = await this.#outbox.next(await this.#feed.position(SOURCE));
    if (page === null) return false;
    await this.#feed.publish('processes', page.changes.map(itemOf), SOURCE, page.position);
    await this.#outbox.remove(page.position);
    return true;
  }
}

function itemOf({ projectId, change, at, document }: OutboxChange): NewItem {
  return { projectId, payload: documentItem(at.getTime(), change, document) };
}
