import type { Logger } from '@weir/base';
import type { Outbox, OutboxChange } from '@weir/channel/process';
import { documentItem, type Feed, type NewItem, PublishLoop } from '@weir/feed';

const SOURCE = 'processes';

/**
 * Publishes changes of processes on the feed stream `processes`, each once and in order for each process: the position
 * up to which changes were published is stored together with them.
 */
export class ProcessSource {
  readonly #outbox: Outbox;
  readonly #feed: Feed;
  readonly #loop: PublishLoop;

  constructor(outbox: Outbox, feed: Feed, logger: Logger) {
    this.#outbox = outbox;
    this.#feed = feed;
    this.#loop = new PublishLoop(
      {
        what: 'processes',
        publish: () => this.#publish(),
        changed: (ms, signal) => outbox.changed(ms, signal),
      },
      logger,
    );
  }

  start(): void {
    this.#loop.start();
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  /** Publishes a page of changes; false if there is none. */
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
