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

  private constructor(
    store: Store,
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
  }

  /** @param after where a new group starts; default before the oldest entry kept */
  static load({ store, table }: GroupHost, stream: StreamRecord, name: string, after?: number): GroupState {
    const value = store.get(groupKey(stream.id, name));
    if (value === undefined)
      return new GroupState(store, stream.id, name, table.newId(), after ?? stream.first - 1, false);
    const { group, delivered } = decodeGroup(value);
    return new GroupState(store, stream.id, name, group, delivered, true);
  }

  get isStored(): boolean {
    return this.#saved !== null;
  }

  /** How many entries were passed over since it was saved. */
  get unsaved(): number {
    return this.delivered - (this.#saved ?? 0);
  }

  save(changes: Change[]): void {
    changes.push([
      groupKey(this.stream, this.#name),
      encodeGroup({ group: this.#group, delivered: this.delivered }),
    ]);
    this.#saved = this.delivered;
  }

  remove(changes: Change[]): void {
    this.pending.removeAll(changes);
    for (const id of this.dead.ids) this.dead.remove(id, changes);
    changes.push([groupKey(this.stream, this.#name), undefined]);
  }
}
