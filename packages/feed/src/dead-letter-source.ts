import { setTimeout as delay } from 'node:timers/promises';
import { type Quarantined, type QuarantinedEvent, readRow } from '@weir/ingest';
import { documentItem } from './document-item.js';
import { eventOfPayload } from './event-document.js';
import type { Feed, NewItem } from './feed.js';
import type { FeedLogger } from './logger.js';

const SOURCE = 'dead_letters';
/** What other nodes quarantine is looked for so often; of this one's it is told. */
const LOOK_MS = 30_000;
const PAUSE_MS = 1_000;
/** Failures in a row that are worth telling: a store that starts or restarts is none of this. */
const WORTH_TELLING = 30;

/** Publishes events that were quarantined: each once, in the order in which they were. */
export class DeadLetterSource {
  readonly #quarantined: Quarantined;
  readonly #feed: Feed;
  readonly #logger: FeedLogger;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;

  constructor(quarantined: Quarantined, feed: Feed, logger: FeedLogger) {
    this.#quarantined = quarantined;
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
        if (!(await this.#publish())) await this.#quarantined.changed(LOOK_MS, signal);
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures === WORTH_TELLING)
          this.#logger.warn({ err: error }, 'the feed cannot tell of dead letters; trying again');
        await delay(PAUSE_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** Publishes what one transaction quarantined; false where there was none. */
  async #publish(): Promise<boolean> {
    const found = await this.#quarantined.next(await this.#feed.position(SOURCE));
    if (found === null) return false;
    await this.#feed.publish('dead_letters', found.events.map(itemOf), SOURCE, found.position);
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
  // The event as a text: its numbers keep their digits.
  const document = `${head.slice(0, -1)},"event":${text}}`;
  return {
    projectId: dead.projectId,
    payload: documentItem(dead.quarantinedAt.getTime(), event, document),
  };
}
