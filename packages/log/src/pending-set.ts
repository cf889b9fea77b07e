import { DeadlineHeap } from './deadline-heap.js';
import { after, idKey, offsetInPendingKey, pendingKey } from './keys.js';
import type { Change, Store } from './store.js';

/** One entry handed out and not yet acknowledged. */
export interface Pending {
  readonly attempt: number;
  /** Unix milliseconds after which it is handed out again. */
  readonly deadline: number;
}

/**
 * What one group of one stream has handed out: rows in the store, mirrored in memory and ordered by deadline. The
 * mirror changes while a commit is prepared; when the commit fails the owner drops it and loads it anew.
 */
export class PendingSet {
  readonly #stream: number;
  readonly #group: number;
  readonly #lent = new Map<number, Pending>();
  readonly #deadlines = new DeadlineHeap();

  private constructor(stream: number, group: number) {
    this.#stream = stream;
    this.#group = group;
  }

  static load(store: Store, stream: number, group: number): PendingSet {
    const set = new PendingSet(stream, group);
    const from = pendingKey(stream, group, 0);
    for (const { key, value } of store.range({ from, to: after(from.subarray(0, 9)) })) {
      const pending = { attempt: value.readUInt32LE(0), deadline: value.readDoubleLE(4) };
      const offset = offsetInPendingKey(key);
      set.#lent.set(offset, pending);
      set.#deadlines.push({ offset, deadline: pending.deadline });
    }
    return set;
  }

  get size(): number {
    return this.#lent.size;
  }

  get(offset: number): Pending | undefined {
    return this.#lent.get(offset);
  }

  /** The nearest deadline; Infinity when nothing is pending. */
  get nextDeadline(): number {
    for (let top = this.#deadlines.peek(); top !== undefined; top = this.#deadlines.peek()) {
      if (this.#lent.get(top.offset)?.deadline === top.deadline) return top.deadline;
      this.#deadlines.pop();
    }
    return Infinity;
  }

  /** The lowest offset pending; Infinity when there is none. */
  get lowest(): number {
    let lowest = Infinity;
    for (const offset of this.#lent.keys()) if (offset < lowest) lowest = offset;
    return lowest;
  }

  /** Takes the entry whose deadline has passed the longest; it must be put back or removed in the same commit. */
  takeDue(now: number): number | undefined {
    return this.nextDeadline <= now ? this.#deadlines.pop()?.offset : undefined;
  }

  put(offset: number, pending: Pending, changes: Change[]): void {
    const value = Buffer.allocUnsafe(12);
    value.writeUInt32LE(pending.attempt, 0);
    value.writeDoubleLE(pending.deadline, 4);
    changes.push([pendingKey(this.#stream, this.#group, offset), value]);
    this.#lent.set(offset, pending);
    this.#deadlines.push({ offset, deadline: pending.deadline });
    if (this.#deadlines.size > 2 * this.#lent.size + 1000) this.#rebuild();
  }

  remove(offset: number, changes: Change[]): void {
    if (this.#lent.delete(offset)) changes.push([pendingKey(this.#stream, this.#group, offset), undefined]);
  }

  /** Removes what is below an offset, and answers with how many that were. */
  removeBelow(first: number, changes: Change[]): number {
    const gone = [...this.#lent.keys()].filter((offset) => offset < first);
    for (const offset of gone) this.remove(offset, changes);
    return gone.length;
  }

  removeAll(changes: Change[]): void {
    this.removeBelow(Infinity, changes);
  }

  /** Acknowledged entries leave their deadlines behind: drops those. */
  #rebuild(): void {
    this.#deadlines.clear();
    for (const [offset, { deadline }] of this.#lent) this.#deadlines.push({ offset, deadline });
  }
}

/** The key of a group's own row: up to which offset it has handed out, under which number its pending rows are. */
export function groupKey(stream: number, name: string): Buffer {
  return idKey('g', stream, name);
}

/** What a group's own row says. */
export interface GroupRecord {
  readonly group: number;
  readonly delivered: number;
}

export function encodeGroup(r: GroupRecord): Buffer {
  const value = Buffer.allocUnsafe(12);
  value.writeUInt32LE(r.group, 0);
  value.writeDoubleLE(r.delivered, 4);
  return value;
}

export function decodeGroup(value: Buffer): GroupRecord {
  return { group: value.readUInt32LE(0), delivered: value.readDoubleLE(4) };
}
