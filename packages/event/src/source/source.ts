import type { EventStream, StreamedEvent } from './event-stream.js';

export type { SourceSpec } from './source-spec.js';

/** Where a bus gets events from, for all its consumers of one kind of events. */
export interface Source {
  /** For people, such as `feed events` or `nats orders.>`. */
  readonly name: string;
  /** Whether its events have cursors to go on from. What is lost of others is gone. */
  readonly hasOffsets: boolean;
  /**
   * A stream from a place on.
   *
   * @param from `latest`, `earliest`, a cursor or a time; sources without offsets know `latest` alone.
   * @param names only events of these names, where the source can choose; default all.
   */
  open(from: string, names?: readonly string[]): EventStream;
  /**
   * A member of a durable group, which is made where it is not there yet; absent where the source has no groups.
   *
   * @param from where a new group begins.
   */
  join?(group: string, from: string, wish?: GroupWish): GroupMember;
}

/** What a member wants of a group besides. */
export interface GroupWish {
  /** Only events of these names; default all. */
  readonly names?: readonly string[];
  /** What members do with events: who does another thing is refused, for it would take events from the others. */
  readonly task?: string;
  /** What names the member; default a name that no other has. */
  readonly member?: string;
}

/** One event lent to a member of a group. */
export interface GroupDelivery extends Pick<StreamedEvent, 'event' | 'cursor'> {
  /** What to acknowledge it by. */
  readonly id: string;
  /** From 1. */
  readonly attempt: number;
}

/** One of those who share the events of a group. */
export interface GroupMember {
  /**
   * Makes the group if it is not there. Everything that comes from then on is its.
   *
   * @throws ConsumeError when it cannot be made.
   */
  start(signal: AbortSignal): Promise<void>;
  /**
   * The next events; waits for one a while, and is empty when none came.
   *
   * @throws ConsumeError when the group cannot be read any more, SourceInterrupted when it may later, SourceGap once for
   * events that the source no longer has.
   *
   * @param holding the deliveries that this member has: what else the source has lent it never arrived.
   */
  pull(max: number, signal: AbortSignal, holding: readonly string[]): Promise<readonly GroupDelivery[]>;
  /** These are done with. Throws like `pull`. */
  ack(ids: readonly string[]): Promise<void>;
  /** These should come again, after `delayMs` (default at once). Throws like `pull`. */
  nack(ids: readonly string[], delayMs?: number): Promise<void>;
  /** These were never tried: they should come again at once, as if they had not come. Throws like `pull`. */
  release(ids: readonly string[]): Promise<void>;
  /**
   * These need more time: another `leaseMs` from now. Throws like `pull`.
   *
   * @param from another member, which gives them up.
   * @returns those that this member no longer has.
   */
  extend(ids: readonly string[], from?: string): Promise<readonly string[]>;
  /** How long a delivery is lent, as far as the source has said; milliseconds. */
  readonly leaseMs: number;
  /** What names it in the group. */
  readonly name: string;
}

/** What deliveries of the same event to the same group have in common: an id ends with a hyphen and the try. */
export function deliveryKey(id: string): string {
  const end = id.lastIndexOf('-');
  return end < 0 ? id : id.slice(0, end);
}
