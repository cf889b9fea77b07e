import { type Logger, Slice } from '@weir/base';
import { type Quarantined, type QuarantinedEvent, readRow } from '@weir/ingest';
import { documentItem } from './document-item.js';
import { eventOfPayload } from './event-document.js';
import type { Feed, NewItem } from './feed.js';
import { PublishLoop } from './publish-loop.js';

const SOURCE = 'dead_letters';

/** Publishes quarantined events, each once, in the order of their quarantine. */
export class DeadLetterSource {
  readonly #quarantined: Quarantined;
  readonly #feed: Feed;
  readonly #loop: PublishLoop;

  constructor(quarantined: Quarantined, feed: Feed, logger: Logger) {
    this.#quarantined = quarantined;
    this.#feed = feed;
    this.#loop = new PublishLoop(
      {
        what: 'dead letters',
        publish: () => this.#publish(),
        changed: (ms, signal) => quarantined.changed(ms, signal),
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

  /** Publishes the events that one transaction quarantined; false if there is none. */
  async #publish(): Promise<boolean> {
    const found = await this.#quarantined.next(await this.#feed.position(SOURCE));
    if (found === null) return false;
    const items: NewItem[] = [];
    const slice = new Slice();
    for (const event of found.events) {
      items.push(itemOf(event));
      if (slice.isOver) await slice.next();
    }
    await this.#feed.publish('dead_letters', items, SOURCE, found.position);
    return true;
  }
}

function itemOf(dead: QuarantinedEvent): NewItem {
  const { event, text } = eventOfPayload(dead.row);
  const { event_id, received_at } = readRow(dead.row, 0);
  const head = JSON.stringify({
    id: dead.id,
    event_id,
    project_id: dead.projectId,
    state: 'quarantined',
    reason: dead.reason,
    last_error: dead.error,
    attempt_count: dead.attempts,
    created_at: dead.createdAt,
    quarantined_at: dead.quarantinedAt,
    received_at: new Date(received_at),
  });
  // The event stays text, so that its numbers keep their digits.
  const document = `${head.slice(0, -1)},"event":${text}}`;
  return {
    projectId: dead.projectId,
    payload: documentItem(dead.quarantinedAt.getTime(), event, document),
  };
}
