import type { Sink, UsageEvent } from '@weir/extension';
import { documentItem, type Feed, type NewItem } from '@weir/feed';
import { EventBatches, SYSTEM_TENANT, usageDocumentOf } from '@weir/usage';

/** Small enough that what follows the feed is a moment behind, large enough that records travel in company. */
const BATCHES = { size: 2_000, delayMs: 200 };

/**
 * Publishes usage records on the feed's stream `usage` of their project, each once: the place up to which records were
 * published is kept with them. Records of the feed's own surface are left out, or whoever follows them by many requests
 * would be sent a record for every record.
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
    // Places are a log's own: one that was lost begins anew.
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
  // The place counts the records of all projects: a project could watch the traffic of the others.
  const { log_id: _, seq: __, ...document } = usageDocumentOf(event);
  const text = JSON.stringify(document);
  return { projectId: event.tenant, payload: documentItem(Date.parse(event.time), event.stack, text) };
}
