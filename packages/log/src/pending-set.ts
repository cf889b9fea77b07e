import { DeadlineHeap, type Due } from './deadline-heap.js';
import { decodePending, encodePending, type Pending } from './group-rows.js';
import { entryKey, entryKeys, offsetInEntryKey } from './keys.js';
import type { Change, Store } from './store.js';

/** The pending entries of one lane, which are delivered in order. An entry without a lane has a lane of its own. */
export interface Lane {
  readonly key: string | null;
  /** Ascending. */
  readonly offsets: readonly number[];
}

interface OpenLane extends Lane {
  readonly offsets: number[];
  /** The lane's valid entry in the heap; its other entries there are stale. */
  turn: Turn | undefined;
}

/**
 * Maximum number of entries held back for their lanes, which are kept in memory. Beyond it the group reads no further
 * ahead.
 */
const LOOK_AHEAD = 10_000;
// Maximum number of pending entries, and of bytes of their copies. Beyond it the group delivers nothing new.
const MAX_PENDING = 20_000;
const MAX_COPIED = 16 * 1024 * 1024;

/** The time at which a lane's first entry may be delivered. */
interface Turn extends Due {
  readonly lane: OpenLane;
}

/** Store and clocks for loading a group's rows. */
interface LeaseHost {
  readonly store: Store;
  readonly leaseNow: () => number;
  readonly servedSince: Map<number, number>;
}

interface Row extends Pending {
  readonly home: OpenLane;
}

/**
 * The entries of one group that are leased or held back: rows in the store, mirrored in memory by lane. The mirror
 * changes while a commit is prepared; if the commit fails, the owner drops the mirror and reloads it.
 *
 * An entry of a lane is delivered only if no member holds an entry of the lane and its first entry is due.
 */
export class PendingSet {
  readonly #stream: number;
  readonly #group: number;
  readonly #rows = new Map<number, Row>();
  readonly #lanes = new Map<string, OpenLane>();
  readonly #members = new Map<string, Set<number>>();
  readonly #turns = new DeadlineHeap<Turn>();
  readonly #changed = new Set<OpenLane>();
  readonly #aside: Turn[] = [];
  #held = 0;
  #copied = 0;

  private constructor(stream: number, group: number) {
    this.#stream = stream;
    this.#group = group;
  }

  /** @param leaseMs lease duration of the group */
  static load(
    { store, leaseNow, servedSince }: LeaseHost,
    stream: number,
    group: number,
    leaseMs: number,
  ): PendingSet {
    const set = new PendingSet(stream, group);
    for (const { key, value } of store.range(entryKeys('p', stream, group)))
      set.#add(offsetInEntryKey(key), decodePending(value));
    const since = servedSince.get(group);
    if (since !== undefined) set.renew(since + leaseMs, leaseNow() + leaseMs);
    return set;
  }

  /** Number of entries delivered and not acknowledged. */
  get lent(): number {
    return this.#rows.size - this.#held;
  }

  /** Number of entries held back behind others of their lane. */
  get held(): number {
    return this.#held;
  }

  /** True if no further entries may be held back. */
  get isAhead(): boolean {
    return this.#held >= LOOK_AHEAD;
  }

  /** True if no further entries may be added until pending ones are done. */
  get isFull(): boolean {
    return this.#rows.size >= MAX_PENDING || this.#copied >= MAX_COPIED;
  }

  get(offset: number): Pending | undefined {
    return this.#rows.get(offset);
  }

  /** The pending entries of a lane; undefined if there are none. */
  lane(key: string): Lane | undefined {
    return this.#lanes.get(key);
  }

  /** True if a member holds an entry of this entry's lane. */
  isLaneOut(offset: number, now: number): boolean {
    const offsets = this.#rows.get(offset)?.home.offsets ?? [];
    return offsets.some((one) => {
      const row = this.#rows.get(one);
      return row !== undefined && row.member !== null && row.deadline > now;
    });
  }

  /** Number of entries that a member holds. */
  countOf(member: string, now: number): number {
    let count = 0;
    for (const offset of this.#members.get(member) ?? [])
      if ((this.#rows.get(offset)?.deadline ?? 0) > now) count += 1;
    return count;
  }

  /**
   * Renews the leases granted by an earlier process: members could not extend them during the restart, and the
   * deadlines may have been computed with another clock. Changes only the mirror, not the store.
   * @param soonest, latest bounds of the new deadlines
   */
  renew(soonest: number, latest: number): void {
    for (const [offset, row] of this.#rows) {
      if (row.member === null) continue;
      const deadline = Math.min(Math.max(row.deadline, soonest), latest);
      if (deadline === row.deadline) continue;
      this.#rows.set(offset, { ...row, deadline });
      this.#changed.add(row.home);
    }
  }

  /** The entries that a member holds or held last: offsets and rows. */
  *of(member: string): Iterable<[number, Pending]> {
    for (const offset of [...(this.#members.get(member) ?? [])]) {
      const row = this.#rows.get(offset);
      if (row !== undefined) yield [offset, row];
    }
  }

  /** Skips a lane until {@link restoreTurns}. */
  setAside(lane: Lane): void {
    const top = this.#nextTurn();
    if (top === undefined || top.lane !== lane) return;
    this.#turns.pop();
    this.#aside.push(top);
  }

  /** Restores the lanes that were skipped. */
  restoreTurns(): void {
    for (const turn of this.#aside.splice(0)) this.#turns.push(turn);
  }

  /** Time at which the next entry may be delivered; Infinity if none is pending. */
  get nextTurn(): number {
    return this.#nextTurn()?.deadline ?? Infinity;
  }

  /** The lowest offset whose data is needed from the stream; Infinity if there is none. */
  get lowest(): number {
    let lowest = Infinity;
    for (const [offset, { data }] of this.#rows) if (data === null && offset < lowest) lowest = offset;
    return lowest;
  }

  /** The lane that has been due longest. The caller must update or remove its first entry before it asks for the next lane. */
  laneInTurn(now: number): Lane | undefined {
    const turn = this.#nextTurn();
    return turn !== undefined && turn.deadline <= now ? turn.lane : undefined;
  }

  put(offset: number, pending: Pending, changes: Change[]): void {
    changes.push([entryKey('p', this.#stream, this.#group, offset), encodePending(pending)]);
    const before = this.#rows.get(offset);
    if (before === undefined) {
      this.#add(offset, pending);
      return;
    }
    this.#uncount(offset, before);
    this.#set(offset, { ...pending, home: before.home });
  }

  remove(offset: number, changes: Change[]): void {
    const row = this.#rows.get(offset);
    if (row === undefined) return;
    changes.push([entryKey('p', this.#stream, this.#group, offset), undefined]);
    this.#uncount(offset, row);
    this.#rows.delete(offset);
    const { home } = row;
    home.offsets.splice(placeIn(home.offsets, offset), 1);
    this.#changed.add(home);
    if (home.offsets.length === 0 && home.key !== null) this.#lanes.delete(home.key);
  }

  /** Removes entries whose data was trimmed below an offset; returns their number. */
  removeBelow(first: number, changes: Change[]): number {
    const gone = [...this.#rows].filter(([offset, { data }]) => offset < first && data === null);
    for (const [offset] of gone) this.remove(offset, changes);
    return gone.length;
  }

  #add(offset: number, pending: Pending): void {
    const home = this.#home(pending.lane);
    const { offsets } = home;
    offsets.splice(placeIn(offsets, offset), 0, offset);
    this.#set(offset, { ...pending, home });
  }

  #home(key: string | null): OpenLane {
    let lane = key === null ? undefined : this.#lanes.get(key);
    if (lane === undefined) {
      lane = { key, offsets: [], turn: undefined };
      if (key !== null) this.#lanes.set(key, lane);
    }
    return lane;
  }

  #set(offset: number, row: Row): void {
    this.#rows.set(offset, row);
    if (row.attempt === 0) this.#held += 1;
    this.#copied += row.data?.byteLength ?? 0;
    if (row.member !== null) {
      const theirs = this.#members.get(row.member) ?? new Set();
      this.#members.set(row.member, theirs);
      theirs.add(offset);
    }
    this.#changed.add(row.home);
  }

  #uncount(offset: number, { attempt, member, data }: Row): void {
    if (attempt === 0) this.#held -= 1;
    this.#copied -= data?.byteLength ?? 0;
    if (member === null) return;
    const theirs = this.#members.get(member);
    theirs?.delete(offset);
    if (theirs?.size === 0) this.#members.delete(member);
  }

  #nextTurn(): Turn | undefined {
    for (const lane of this.#changed) this.#place(lane);
    this.#changed.clear();
    if (this.#turns.size > 2 * this.#rows.size + 1000) this.#rebuild();
    for (let top = this.#turns.peek(); top !== undefined; top = this.#turns.peek()) {
      if (top.lane.turn === top) return top;
      this.#turns.pop();
    }
    return undefined;
  }

  #place(lane: OpenLane): void {
    const [head] = lane.offsets;
    if (head === undefined) {
      lane.turn = undefined;
      return;
    }
    let deadline = this.#rows.get(head)?.deadline ?? 0;
    for (const offset of lane.offsets) {
      const row = this.#rows.get(offset);
      // Only an entry that was revived from the dead entries can be held back before one that was delivered.
      if (row === undefined || (row.attempt === 0 && row.data === null)) break;
      if (row.member !== null && row.deadline > deadline) deadline = row.deadline;
    }
    if (lane.turn?.deadline === deadline && lane.turn.offset === head) return;
    lane.turn = { lane, deadline, offset: head };
    this.#turns.push(lane.turn);
  }

  /** Drops the stale heap entries of lanes that have moved on. */
  #rebuild(): void {
    this.#turns.clear();
    for (const lane of new Set([...this.#rows.values()].map(({ home }) => home)))
      if (lane.turn !== undefined) this.#turns.push(lane.turn);
  }
}

/** Index of an offset among ascending offsets, or its insertion point. */
function placeIn(offsets: readonly number[], offset: number): number {
  let low = 0;
  let high = offsets.length;
  // Fast path: new entries mostly have the highest offset.
  if (offset > (offsets.at(-1) ?? 0)) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((offsets[middle] ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
