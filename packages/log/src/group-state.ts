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

/** The parts of the log that a group uses. */
export interface GroupHost {
  /** Id of the log, which clients never see. */
  readonly id: string;
  readonly epoch: number;
  readonly store: Store;
  readonly queue: CommitQueue;
  readonly table: StreamTable;
  readonly wakeups: Wakeups;
  readonly now: () => number;
  /** Clock for deadlines: Unix milliseconds at the start, then the running time of the process. */
  readonly leaseNow: () => number;
  /** For each group, when this process first served a pull, by `leaseNow`. Members may have been connected since then. */
  readonly servedSince: Map<number, number>;
  readonly closed: boolean;
  /** Deletes the pending and dead rows of a removed group. */
  sweepGroup(group: GroupNumber): Promise<void>;
}

// Number of skipped entries, and milliseconds, after which a group persists its position.
const SAVE_AFTER = 1_000;
const SAVE_AFTER_MS = 60_000;

/** In-memory state of a group: loaded from the store, changed while a commit is prepared, dropped if the commit fails. */
export class GroupState implements GroupNumber {
  readonly stream: number;
  readonly group: number;
  /** Name of the group in delivery ids. */
  readonly tag: string;
  readonly pending: PendingSet;
  readonly dead: DeadSet;
  readonly #name: string;
  /** Every entry up to this offset is pending, done, or was skipped. */
  delivered: number;
  /** For due entries on their last attempt: the member that will get each one alone. */
  readonly promised = new Promises();
  /** No pending entry below this offset still needs the stream's data. */
  cleanTo = 0;
  /** Persisted value of `delivered`; null if the group has no row, so that its start position may still change. */
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
   * @param leaseMs lease duration of the group
   * @param after start position of a new group; default before the oldest retained entry
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

  /** A group that is not persisted yet. */
  static anew(host: GroupHost, stream: StreamRecord, name: string, after = stream.first - 1): GroupState {
    return new GroupState(host, stream.id, name, host.table.newId(), after, false, 0);
  }

  get isStored(): boolean {
    return this.#saved !== null;
  }

  /** True if too much is pending for the group to deliver new entries. */
  get isHeldUp(): boolean {
    return this.pending.isFull || this.pending.isAhead;
  }

  /**
   * True if skipped entries must be persisted. Otherwise the group would count them as missed if they are trimmed
   * before a restart.
   */
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

  /** Removes the group; its remaining rows are swept later. */
  remove(changes: Change[]): void {
    changes.push([groupKey(this.stream, this.#name), undefined]);
    changes.push([removedGroupKey(this), Buffer.alloc(0)]);
  }
}
