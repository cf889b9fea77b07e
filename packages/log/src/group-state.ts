import type { CommitQueue } from './commit-queue.js';
import { DeadSet } from './dead-set.js';
import { groupTag } from './delivery-id.js';
import { decodeGroup, encodeGroup, groupKey } from './group-rows.js';
import { type GroupNumber, removedGroupKey } from './keys.js';
import { PendingSet } from './pending-set.js';
import { Promises } from './promises.js';
import type { Change, Store } from './store.js';
import type { StreamRecord } from './stream-record.js';
import type { StreamTable } from './stream-table.js';
import type { Wakeups } from './wakeups.js';

/** What a group needs of the log it belongs to. */
export interface GroupHost {
  /** The log's own, which no client sees. */
  readonly id: string;
  readonly epoch: number;
  readonly store: Store;
  readonly queue: CommitQueue;
  readonly table: StreamTable;
  readonly wakeups: Wakeups;
  readonly now: () => number;
  /** The clock of deadlines: Unix milliseconds at the start, then the time in which the process runs. */
  readonly leaseNow: () => number;
  /** When groups were pulled from first in this process, by that clock: its members can be there since then. */
  readonly servedSince: Map<number, number>;
  readonly closed: boolean;
  /** Deletes what is pending and dead in a group that was removed. */
  sweepGroup(group: GroupNumber): Promise<void>;
}

/** Entries passed over, and milliseconds since, after which a group notes where it is. */
const SAVE_AFTER = 1_000;
const SAVE_AFTER_MS = 60_000;

/** A group as it stands: loaded from the store, changed while preparing, dropped when a commit fails. */
export class GroupState implements GroupNumber {
  readonly stream: number;
  readonly group: number;
  /** What delivery ids call it. */
  readonly tag: string;
  readonly pending: PendingSet;
  readonly dead: DeadSet;
  readonly #name: string;
  /** Every entry up to here is pending, done with, or was passed over. */
  delivered: number;
  /** For entries on their last try that are due, the members that are to get them alone. */
  readonly promised = new Promises();
  /** Nothing pending that is needed of the stream is below this offset. */
  cleanTo = 0;
  /** Where `delivered` is in the store; null while there is no row of it, and it may still start elsewhere. */
  #saved: number | null;
  #savedAt: number;

  private constructor(
    host: GroupHost,
    stream: number,
    name: string,
    group: number,
    delivered: number,
    saved: boolean,
    leaseMs: number,
  ) {
    this.stream = stream;
    this.delivered = delivered;
    this.pending = PendingSet.load(host, stream, group, leaseMs);
    this.dead = DeadSet.load(host.store, stream, group);
    this.group = group;
    this.tag = groupTag(host.id, group);
    this.#name = name;
    this.#saved = saved ? delivered : null;
    this.#savedAt = host.leaseNow();
  }

  /**
   * @param leaseMs how long a lease of the group lasts
   * @param after where a new group starts; default before the oldest entry kept
   */
  static load(
    host: GroupHost,
    stream: StreamRecord,
    name: string,
    leaseMs: number,
    after?: number,
  ): GroupState {
    const value = host.store.get(groupKey(stream.id, name));
    if (value === undefined) return GroupState.anew(host, stream, name, after);
    const { group, delivered } = decodeGroup(value);
    return new GroupState(host, stream.id, name, group, delivered, true, leaseMs);
  }

  /** A group that is not stored yet. */
  static anew(host: GroupHost, stream: StreamRecord, name: string, after = stream.first - 1): GroupState {
    return new GroupState(host, stream.id, name, host.table.newId(), after, false, 0);
  }

  get isStored(): boolean {
    return this.#saved !== null;
  }

  /** Whether so much is pending that the group may hand out nothing new. */
  get isHeldUp(): boolean {
    return this.pending.isFull || this.pending.isAhead;
  }

  /** Whether what was passed over is to be saved: a restart must not take it for missed once it is trimmed. */
  isStale(now: number): boolean {
    const unsaved = this.delivered - (this.#saved ?? this.delivered);
    return unsaved >= SAVE_AFTER || (unsaved > 0 && now - this.#savedAt >= SAVE_AFTER_MS);
  }

  save(changes: Change[], now: number): void {
    changes.push([
      groupKey(this.stream, this.#name),
      encodeGroup({ group: this.group, delivered: this.delivered }),
    ]);
    this.#saved = this.delivered;
    this.#savedAt = now;
  }

  /** Removes the group, whose rows are left to be swept. */
  remove(changes: Change[]): void {
    changes.push([groupKey(this.stream, this.#name), undefined]);
    changes.push([removedGroupKey(this), Buffer.alloc(0)]);
  }
}
