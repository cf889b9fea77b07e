import { DeadlineHeap, type Due } from './deadline-heap.js';
import { decodePending, encodePending, type Pending } from './group-rows.js';
import { entryKey, entryKeys, offsetInEntryKey } from './keys.js';
import type { Change, Store } from './store.js';

/** What one group has pending of one lane, which is to be handed out in order; an entry without a lane is one alone. */
export interface Lane {
  readonly key: string | null;
  /** Ascending. */
  readonly offsets: readonly number[];
}

interface OpenLane extends Lane {
  readonly offsets: number[];
  /** Its place in the heap; what else the heap has of it is out of date. */
  turn: Turn | undefined;
}

/** Entries held back for their lanes, beyond which a group reads no further ahead: it keeps them in memory. */
const LOOK_AHEAD = 10_000;
/** Entries handed out or held back, beyond which a group hands out nothing new; and bytes of their own copies. */
const MAX_PENDING = 20_000;
const MAX_COPIED = 16 * 1024 * 1024;

/** When a lane's first entry may be handed out. */
interface Turn extends Due {
  readonly lane: OpenLane;
}

/** What the rows of a group are read with. */
interface LeaseHost {
  readonly store: Store;
  readonly leaseNow: () => number;
  readonly servedSince: Map<number, number>;
}

interface Row extends Pending {
  readonly home: OpenLane;
}

/**
 * What one group of one stream has handed out or holds back: rows in the store, mirrored in memory by lane. The mirror
 * changes while a commit is prepared; when the commit fails the owner drops it and loads it anew.
 *
 * Nothing of a lane may be handed out while somebody has an entry of it, nor before its first entry is due.
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

  /** @param leaseMs how long a lease of the group lasts */
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

  /** How many were handed out and not acknowledged. */
  get lent(): number {
    return this.#rows.size - this.#held;
  }

  /** How many wait for others of their lane. */
  get held(): number {
    return this.#held;
  }

  /** Whether nothing more may be held back. */
  get isAhead(): boolean {
    return this.#held >= LOOK_AHEAD;
  }

  /** Whether nothing more may be added: what is there has to be done with first. */
  get isFull(): boolean {
    return this.#rows.size >= MAX_PENDING || this.#copied >= MAX_COPIED;
  }

  get(offset: number): Pending | undefined {
    return this.#rows.get(offset);
  }

  /** What is pending of a lane; undefined when nothing is. */
  lane(key: string): Lane | undefined {
    return this.#lanes.get(key);
  }

  /** Whether somebody has an entry of the lane of this one. */
  isLaneOut(offset: number, now: number): boolean {
    const offsets = this.#rows.get(offset)?.home.offsets ?? [];
    return offsets.some((one) => {
      const row = this.#rows.get(one);
      return row !== undefined && row.member !== null && row.deadline > now;
    });
  }

  /** How many entries a member has. */
  countOf(member: string, now: number): number {
    let count = 0;
    for (const offset of this.#members.get(member) ?? [])
      if ((this.#rows.get(offset)?.deadline ?? 0) > now) count += 1;
    return count;
  }

  /**
   * Lets the leases of an earlier process begin anew: their members could not extend them in between, and the clock that
   * their deadlines were counted with may have been another. The store keeps them as they are.
   * @param soonest, latest deadlines that leases of this process lie between
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

  /** The entries that a member has or had last: offsets with their rows. */
  *of(member: string): Iterable<[number, Pending]> {
    for (const offset of [...(this.#members.get(member) ?? [])]) {
      const row = this.#rows.get(offset);
      if (row !== undefined) yield [offset, row];
    }
  }

  /** Leaves a lane out of its turn until {@link restoreTurns}. */
  setAside(lane: Lane): void {
    const top = this.#nextTurn();
    if (top === undefined || top.lane !== lane) return;
    this.#turns.pop();
    this.#aside.push(top);
  }

  /** Gives those set aside their turn again. */
  restoreTurns(): void {
    for (const turn of this.#aside.splice(0)) this.#turns.push(turn);
  }

  /** When something may be handed out next; Infinity when nothing is pending. */
  get nextTurn(): number {
    return this.#nextTurn()?.deadline ?? Infinity;
  }

  /** The lowest offset that is needed of the stream; Infinity when there is none. */
  get lowest(): number {
    let lowest = Infinity;
    for (const [offset, { data }] of this.#rows) if (data === null && offset < lowest) lowest = offset;
    return lowest;
  }

  /** The lane whose turn it is the longest. Its first entry must be put anew or removed before the next is asked for. */
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

  /** Removes what the stream no longer has below an offset, and answers with how many that were. */
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
      // Only what was brought back to life is held back before one that was handed out.
      if (row === undefined || (row.attempt === 0 && row.data === null)) break;
      if (row.member !== null && row.deadline > deadline) deadline = row.deadline;
    }
    if (lane.turn?.deadline === deadline && lane.turn.offset === head) return;
    lane.turn = { lane, deadline, offset: head };
    this.#turns.push(lane.turn);
  }

  /** Lanes that moved on leave their turns behind: drops those. */
  #rebuild(): void {
    this.#turns.clear();
    for (const lane of new Set([...this.#rows.values()].map(({ home }) => home)))
      if (lane.turn !== undefined) this.#turns.push(lane.turn);
  }
}

/** Where an offset is among ascending ones, or belongs. */
function placeIn(offsets: readonly number[], offset: number): number {
  let low = 0;
  let high = offsets.length;
  // What comes is mostly the last, and what goes the first.
  if (offset > (offsets.at(-1) ?? 0)) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((offsets[middle] ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
