import type { CommitQueue } from './commit-queue.js';
import { DeadSet } from './dead-set.js';
import { decodeGroup, encodeGroup, groupKey } from './group-rows.js';
import { PendingSet } from './pending-set.js';
import type { Change, Store } from './store.js';
import type { StreamRecord } from './stream-record.js';
import type { StreamTable } from './stream-table.js';
import type { Wakeups } from './wakeups.js';

/** What a group needs of the log it belongs to. */
export interface GroupHost {
  readonly epoch: number;
  readonly store: Store;
  readonly queue: CommitQueue;
  readonly table: StreamTable;
  readonly wakeups: Wakeups;
  readonly now: () => number;
  readonly closed: boolean;
}

/** Entries passed over, and milliseconds since, after which a group notes where it is. */
const SAVE_AFTER = 1_000;
const SAVE_AFTER_MS = 60_000;

/** A group as it stands: loaded from the store, changed while preparing, dropped when a commit fails. */
export class GroupState {
  readonly stream: number;
  readonly pending: PendingSet;
  readonly dead: DeadSet;
  readonly #group: number;
  readonly #name: string;
  /** Every entry up to here is pending, done with, or was passed over. */
  delivered: number;
  /** Nothing pending that is needed of the stream is below this offset. */
  cleanTo = 0;
  /** Where `delivered` is in the store; null while there is no row of it, and it may still start elsewhere. */
  #saved: number | null;
  #savedAt: number;

  private constructor(
    { store, now }: GroupHost,
    stream: number,
    name: string,
    group: number,
    delivered: number,
    saved: boolean,
  ) {
    this.stream = stream;
    this.delivered = delivered;
    this.pending = PendingSet.load(store, stream, group);
    this.dead = DeadSet.load(store, stream, group);
    this.#group = group;
    this.#name = name;
    this.#saved = saved ? delivered : null;
    this.#savedAt = now();
  }

  /** @param after where a new group starts; default before the oldest entry kept */
  static load(host: GroupHost, stream: StreamRecord, name: string, after?: number): GroupState {
    const value = host.store.get(groupKey(stream.id, name));
    if (value === undefined)
      return new GroupState(host, stream.id, name, host.table.newId(), after ?? stream.first - 1, false);
    const { group, delivered } = decodeGroup(value);
    return new GroupState(host, stream.id, name, group, delivered, true);
  }

  get isStored(): boolean {
    return this.#saved !== null;
  }

  /** Whether what was passed over is to be saved: a restart must not take it for missed once it is trimmed. */
  isStale(now: number): boolean {
    const unsaved = this.delivered - (this.#saved ?? this.delivered);
    return unsaved >= SAVE_AFTER || (unsaved > 0 && now - this.#savedAt >= SAVE_AFTER_MS);
  }

  save(changes: Change[], now: number): void {
    changes.push([
      groupKey(this.stream, this.#name),
      encodeGroup({ group: this.#group, delivered: this.delivered }),
    ]);
    this.#saved = this.delivered;
    this.#savedAt = now;
  }

  remove(changes: Change[]): void {
    this.pending.removeAll(changes);
    for (const id of this.dead.ids) this.dead.remove(id, changes);
    changes.push([groupKey(this.stream, this.#name), undefined]);
  }
}
