import type { Call } from '../http/connection.js';
import { countOf, documentOf, documentsOf } from '../http/document.js';
import type { FeedEvent } from './feed.js';
import { type ConsumeOptions, GroupConsumer, type GroupHandler } from './group-consumer.js';
import type { GroupsPlace } from './groups.js';

/** An item that is lent to a member until it is acknowledged. */
export interface Delivery<Item = FeedEvent> {
  /** For `ack` and the others; good for this group alone. */
  readonly id: string;
  readonly cursor: string;
  /** Which try this is, from 1; after the fifth the item goes to the group's dead letters. */
  readonly attempt: number;
  readonly event: Item;
}

/** What a pull takes. */
export interface PullOptions {
  /** 1 to 1,000 items; default 100. */
  readonly max?: number;
  /** How long to wait for the first item, milliseconds; default 0, at most 30,000. */
  readonly waitMs?: number;
  /** What tells this member from others; default the API key. */
  readonly member?: string;
  /** Ids that the member has. What else was lent to it was lost on its way, and comes again at once. */
  readonly holding?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** What a pull brings. */
export interface Pulled<Item = FeedEvent> {
  /** How long the items are lent, milliseconds from the answer on. */
  readonly leaseMs: number;
  readonly deliveries: readonly Delivery<Item>[];
}

/** An item that was given up. */
export interface DeadDelivery<Item = FeedEvent> {
  readonly id: string;
  readonly cursor: string;
  readonly attempts: number;
  /** RFC 3339. */
  readonly diedAt: string;
  readonly event: Item;
}

/** Dead items: some, or all. */
export type DeadChoice = { readonly ids: readonly string[] } | { readonly all: true };

/** The answer to a request that waits comes a little after the wait. */
const GRACE_MS = 15_000;

/** One group of a project's feed. `consume` is enough for most members; the other methods are what it is made of. */
export class Group {
  readonly name: string;
  readonly #place: GroupsPlace;

  /** Made by {@link Groups.create} and {@link Groups.open}. */
  constructor(place: GroupsPlace, name: string) {
    this.#place = place;
    this.name = name;
  }

  /**
   * Handles items until it is closed: acknowledges an item when `handler` is done, and returns it when `handler` throws, to
   * come again after a delay. Items of one person are handled in order. Leases are extended while a handler works.
   *
   * ```ts
   * const mailer = await weir.groups.create('mailer', { event: ['signup'] });
   * const consumer = mailer.consume(async ({ event }) => sendMail(event.user_id), { concurrency: 10 });
   * process.once('SIGTERM', () => consumer.close());
   * await consumer.closed;
   * ```
   */
  consume<Item = FeedEvent>(handler: GroupHandler<Item>, options: ConsumeOptions = {}): GroupConsumer<Item> {
    const consumer = new GroupConsumer<Item>(this, handler, options);
    const forget = this.#place.connection.onClose(() => consumer.close());
    void consumer.closed.finally(forget).catch(() => {});
    return consumer;
  }

  /**
   * Takes the next items.
   * @throws WeirError `group_not_found`, `cursor_expired` (once: `missed` items are lost, the next pull goes on),
   * `too_many_unacknowledged` (the member has 1,000)
   */
  async pull<Item = FeedEvent>({
    max,
    waitMs = 0,
    member,
    holding,
    signal,
  }: PullOptions = {}): Promise<Pulled<Item>> {
    const answer = await this.#post(
      '/pull',
      { max, wait_ms: waitMs, member, holding },
      {
        timeoutMs: waitMs + GRACE_MS,
        signal,
        // Without `holding` the items of a lost answer stay lent until their lease ends.
        isRepeatable: holding !== undefined,
      },
    );
    const { leaseMs } = documentOf<{ leaseMs: number }>(answer);
    return { leaseMs, deliveries: documentsOf<Delivery<Item>>(answer, 'deliveries') };
  }

  /** Acknowledges up to 1,000 items: they are done. @returns how many were not done before */
  async ack(ids: readonly string[]): Promise<number> {
    return countOf(await this.#post('/ack', { ids }), 'acknowledged');
  }

  /** Returns items to come again after `delayMs` (default 0), as a further try. @returns how many */
  async nack(ids: readonly string[], { delayMs = 0 }: { readonly delayMs?: number } = {}): Promise<number> {
    return countOf(await this.#post('/nack', { ids, delay_ms: Math.ceil(delayMs) }), 'returned');
  }

  /** Returns items that were not tried: they come again at once, and the try does not count. @returns how many */
  async release(ids: readonly string[]): Promise<number> {
    return countOf(await this.#post('/release', { ids }), 'released');
  }

  /**
   * Lends items for a whole lease from now.
   * @param member the one that pulled them: then `lost` has those that another member may have now
   */
  async extend(
    ids: readonly string[],
    { member, signal }: { readonly member?: string; readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly extended: number; readonly lost: readonly string[] }> {
    const answer = await this.#post('/extend', { ids, member }, { signal });
    const { lost = [] } = documentOf<{ lost?: string[] }>(answer);
    return { extended: countOf(answer, 'extended'), lost };
  }

  /** Items that were given up, the newest last. @param page.after id of the last one of the page before */
  async dead<Item = FeedEvent>(
    page: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<DeadDelivery<Item>[]> {
    const path = `${await this.path()}/dead`;
    const answer = await this.#place.connection.json({ path, query: page });
    return documentsOf<DeadDelivery<Item>>(answer, 'dead');
  }

  /** Brings dead items back with five new tries. @returns how many */
  async retryDead(choice: DeadChoice): Promise<number> {
    return countOf(await this.#post('/dead/retry', choice), 'retried');
  }

  /** Forgets dead items. @returns how many */
  async purgeDead(choice: DeadChoice): Promise<number> {
    return countOf(await this.#post('/dead/purge', choice), 'purged');
  }

  /** The path of the group on the server. */
  async path(): Promise<string> {
    const project = encodeURIComponent(await this.#place.project());
    return `/api/v1/projects/${project}/feed/groups/${encodeURIComponent(this.name)}`;
  }

  async #post(what: string, body: object, call: Omit<Call, 'path'> = {}): Promise<unknown> {
    return await this.#place.connection.json({
      ...call,
      method: 'POST',
      path: `${await this.path()}${what}`,
      body,
    });
  }
}
