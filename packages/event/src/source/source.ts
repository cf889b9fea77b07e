import type { EventStream, StreamedEvent } from './event-stream.js';

export type { SourceSpec } from './source-spec.js';

/** A source of events for a bus. */
export interface Source {
  /** Display name, such as `feed events` or `nats orders.>`. */
  readonly name: string;
  /** True if events have cursors from which a reader can resume. Without cursors, missed events are lost. */
  readonly hasOffsets: boolean;
  /**
   * Opens a stream at a position.
   *
   * @param from `latest`, `earliest`, a cursor or a time; sources without offsets support only `latest`.
   * @param names filters by event name if the source supports it; default all.
   */
  open(from: string, names?: readonly string[]): EventStream;
  /**
   * Joins a durable group, which is created if it does not exist; absent if the source has no groups.
   *
   * @param from start position of a new group.
   */
  join?(group: string, from: string, wish?: GroupWish): GroupMember;
}

/** Further options of a group member. */
export interface GroupWish {
  /** Event names; default all. */
  readonly names?: readonly string[];
  /**
   * What the members do with events. The server refuses a member with another task, because it would take events from
   * the others.
   */
  readonly task?: string;
  /** Name of the member; default: a unique name. */
  readonly member?: string;
}

/** One event delivered to a group member. */
export interface GroupDelivery extends Pick<StreamedEvent, 'event' | 'cursor'> {
  /** Id for the acknowledgement. */
  readonly id: string;
  /** Starting at 1. */
  readonly attempt: number;
}

/** A member of a group. */
export interface GroupMember {
  /**
   * Creates the group if it does not exist. Every event from then on belongs to it.
   *
   * @throws ConsumeError if the group cannot be created.
   */
  start(signal: AbortSignal): Promise<void>;
  /**
   * Returns the next events; waits for the first one and returns none on timeout.
   *
   * @throws ConsumeError on a permanent failure, SourceInterrupted on a temporary one, SourceGap once for events that
   * the source no longer has.
   * @param holding deliveries of this member. The source redelivers all others at once, because they never arrived.
   */
  pull(max: number, signal: AbortSignal, holding: readonly string[]): Promise<readonly GroupDelivery[]>;
  /** Acknowledges deliveries. Throws like `pull`. */
  ack(ids: readonly string[]): Promise<void>;
  /** Reports failed deliveries, to be redelivered after `delayMs` (default at once). Throws like `pull`. */
  nack(ids: readonly string[], delayMs?: number): Promise<void>;
  /** Returns deliveries that were not tried; they are redelivered at once with the same attempt number. Throws like `pull`. */
  release(ids: readonly string[]): Promise<void>;
  /**
   * Extends leases to `leaseMs` from now. Throws like `pull`.
   *
   * @param from takes the deliveries over from this other member.
   * @returns ids that this member no longer holds.
   */
  extend(ids: readonly string[], from?: string): Promise<readonly string[]>;
  /** Lease duration that the source has reported, milliseconds. */
  readonly leaseMs: number;
  /** Name of the member in the group. */
  readonly name: string;
}

/** The part of a delivery id that all attempts of an event share: the id without the hyphen and attempt number. */
export function deliveryKey(id: string): string {
  const end = id.lastIndexOf('-');
  return end < 0 ? id : id.slice(0, end);
}
