import { defined, firstAbort } from '@weir/base';
import { type DeadChoice, encodePlace, type Group, type Log, LogError } from '@weir/log';
import { expired, groupMissing } from './feed-error.js';
import { bufferOf, readerOf, streamOf } from './feed-kind.js';
import type { GroupDefinition } from './group-list.js';

/** One item leased to a member. */
export interface FeedDelivery {
  /** The id for acknowledgements. */
  readonly id: string;
  readonly cursor: string;
  /** From 1. */
  readonly attempt: number;
  readonly payload: Buffer;
}

/** One item whose attempts are used up. */
export interface FeedDeadLetter {
  readonly id: string;
  readonly cursor: string;
  readonly attempts: number;
  readonly diedAt: Date;
  readonly payload: Buffer;
}

/** The progress of a group. */
export interface FeedGroupStatus {
  /** The cursor of the last item that was delivered, held back for its order, or skipped. */
  readonly delivered: string;
  /** Items that are delivered and not acknowledged, or wait for redelivery. */
  readonly pending: number;
  /** Items not delivered yet. */
  readonly lag: number;
  /** The cursor before the oldest item that the group needs. */
  readonly needs: string;
  readonly dead: number;
}

/** The arguments of a pull. */
export interface FeedPull {
  readonly max: number;
  /** Milliseconds. */
  readonly waitMs: number;
  readonly member: string;
  /** Ids of the deliveries that the member holds; undefined if it does not report them. */
  readonly holding?: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

/** Default lease of a delivery, milliseconds. */
export const DEFAULT_LEASE_MS = 30_000;

/** Maximum unacknowledged items of a member. */
const MAX_UNACKNOWLEDGED = 1_000;
/** Maximum deliveries of an item. */
const MAX_ATTEMPTS = 5;

/** One group that shares a project's items; it wraps the log's group of that stream. */
export class FeedGroup {
  readonly definition: GroupDefinition;
  /** The stream of its items. */
  readonly stream: string;
  readonly leaseMs: number;
  readonly #log: Log;
  readonly #group: Group;
  readonly #gone = new AbortController();

  /** @param leaseMs lease of a delivery */
  constructor(log: Log, projectId: string, definition: GroupDefinition, leaseMs: number) {
    const { stream: kind, name, event } = definition;
    const reader = readerOf(kind);
    const wanted = event === null ? null : new Set(event);
    this.definition = definition;
    this.stream = streamOf(kind, projectId);
    this.leaseMs = leaseMs;
    this.#log = log;
    this.#group = log.group(this.stream, name, {
      lane: (data) => reader.lane(bufferOf(data)),
      ...(wanted === null ? {} : { wants: (data) => wanted.has(reader.name(bufferOf(data))) }),
      ackWaitMs: leaseMs,
      maxUnacknowledged: MAX_UNACKNOWLEDGED,
      maxAttempts: MAX_ATTEMPTS,
    });
  }

  /**
   * @throws FeedError `cursor_expired` once after retention evicted items that the group needed, `group_not_found` if
   *   it is removed meanwhile; LogError `too_many_unacknowledged`
   */
  async pull({ signal, holding, ...pull }: FeedPull): Promise<FeedDelivery[]> {
    const over = firstAbort(signal, this.#gone.signal);
    const deliveries = await this.#group
      .pull({ ...pull, ...defined({ holding }), signal: over.signal })
      .catch((error: unknown) => {
        throw this.#expired(error);
      })
      .finally(over.release);
    if (this.#gone.signal.aborted) throw groupMissing(this.definition.name);
    return deliveries.map(({ id, attempt, offset, data }) => ({
      id,
      attempt,
      cursor: this.#cursor(offset),
      payload: bufferOf(data),
    }));
  }

  ack(ids: readonly string[]): Promise<number> {
    return this.#group.ack(ids);
  }

  nack(ids: readonly string[], delayMs: number): Promise<number> {
    return this.#group.nack(ids, { delayMs });
  }

  release(ids: readonly string[]): Promise<number> {
    return this.#group.release(ids);
  }

  extend(ids: readonly string[]): Promise<number> {
    return this.#group.extend(ids);
  }

  /**
   * Extends a member's leases of these deliveries, including those of member `from`; resolves with the ids that it
   * holds.
   */
  claim(ids: readonly string[], member: string, from?: string): Promise<string[]> {
    return this.#group.claim(ids, member, from === undefined ? {} : { from });
  }

  /** Dead letters in the order of their death, after a given one. Throws LogError `invalid_request`. */
  async dead(limit: number, after?: string): Promise<FeedDeadLetter[]> {
    const entries = await this.#group.dead({ limit, ...defined({ after }) });
    return entries.map(({ id, attempts, diedAt, offset, data }) => ({
      id,
      attempts,
      diedAt: new Date(diedAt),
      cursor: this.#cursor(offset),
      payload: bufferOf(data),
    }));
  }

  retry(which: DeadChoice): Promise<number> {
    return this.#group.retry(which);
  }

  purge(which: DeadChoice): Promise<number> {
    return this.#group.purge(which);
  }

  async status(): Promise<FeedGroupStatus> {
    const { delivered, pending, held, dead, needs } = await this.#group.stats();
    const { last } = await this.#log.stats(this.stream);
    return {
      delivered: this.#cursor(delivered),
      pending,
      lag: Math.max(0, last - delivered) + held,
      needs: this.#cursor(needs - 1),
      dead,
    };
  }

  /** The oldest offset that the group needs. */
  async needs(): Promise<number> {
    return (await this.#group.stats()).needs;
  }

  /** Removes the group, and ends the pulls that wait for its items. */
  async remove(): Promise<void> {
    this.#gone.abort();
    await this.#group.remove();
  }

  #expired(error: unknown): unknown {
    if (!(error instanceof LogError) || error.code !== 'cursor_expired') return error;
    const { oldest = 1, missed = 0 } = error.facts;
    const message = `${missed} items were trimmed before the group was done with them; it goes on from the oldest`;
    return expired(this.#cursor(oldest - 1), missed, message);
  }

  #cursor(offset: number): string {
    return encodePlace({ epoch: this.#log.epoch, offset });
  }
}
