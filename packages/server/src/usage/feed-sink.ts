import type { Sink, UsageEvent } from '@weir/extension';
import { documentItem, type Feed, type NewItem } from '@weir/feed';
import { EventBatches, SYSTEM_TENANT, usageDocumentOf } from '@weir/usage';

/** Small enough for low latency of the feed, large enough to batch records. */
const BATCHES = { size: 2_000, delayMs: 200 };

/**
 * Publishes usage records on the feed stream `usage` of their project, each once: the position up to which records were
 * published is stored with them. Records of the feed's own surface are omitted; otherwise a client that follows them by
 * repeated requests would cause a record for every record.
 */
export class FeedSink implements Sink {
  readonly name = 'feed';
  readonly #feed: Feed;
  readonly #batches = new EventBatches((events) => this.#publish(events), BATCHES);

  constructor(feed: Feed) {
    this.#feed = feed;
  }

  writeEvent(event: UsageEvent): Promise<void> | undefined {
    return isPublished(event) ? this.#batches.write(event) : undefined;
  }

  close(signal: AbortSignal): Promise<void> {
    return this.#batches.close(signal);
  }

  async #publish(events: readonly UsageEvent[]): Promise<void> {
    const last = events.at(-1);
    if (last === undefined) return;
    // A position is specific to its log: a new log starts again.
    const source = `usage:${last.logId}`;
    const position = await this.#feed.position(source);
    const items = events.filter(({ seq }) => seq > position).map(itemOf);
    if (items.length > 0) await this.#feed.publish('usage', items, source, last.seq);
  }
}

function isPublished({ tenant, stack }: UsageEvent): boolean {
  return tenant !== SYSTEM_TENANT && !stack.startsWith('feed:');
}

function itemOf(event: UsageEvent): NewItem {
  // The position counts records of all projects, and would reveal the traffic of others.
  const { log_id: _, seq: __, ...document } = usageDocumentOf(event);
  const text = JSON.stringify(document);
  return { projectId: event.tenant, payload: documentItem(Date.parse(event.time), event.stack, text) };
}
