import { firstAbort, nextTurn, takeTurn } from '@weir/base';
import { type DeliveryName, decodeDeliveryId } from './delivery-id.js';
import { ACK_WAIT_MS, GroupRound } from './group-round.js';
import type { Pending } from './group-rows.js';
import { type GroupHost, GroupState } from './group-state.js';
import type { DeadChoice, Delivery, Group, GroupOptions, GroupStats, PullOptions } from './log.js';
import { LogError } from './log-error.js';
import type { Change } from './store.js';
import type { StreamRecord } from './stream-record.js';

const DEAD_MS = 7 * 24 * 3_600_000;
/** How long a pull without a wait scans for entries that the group wants. */
const SEARCH_MS = 1_000;
/** How long a blocked member waits for its lease to expire, unless its entry is settled earlier. */
const BLOCKED_MS = 1_000;

/** Number of dead entries retried or purged per commit, so that other writes get a turn. */
const PORTION = 500;

/** Computes the outcome of a delivery: its new row, null to remove it, undefined to leave it unchanged. */
type Settle = (name: DeliveryName, pending: Pending, state: GroupState) => Pending | null | undefined;

/** A group in a stored log. All handles of a group share one instance, so that members see each other's pulls. */
export class StoredGroup {
  readonly #host: GroupHost;
  readonly #stream: string;
  readonly #name: string;
  /** The waiting pull of each member that sends `holding`; a later pull replaces an earlier one. */
  readonly #pulls = new Map<string, AbortController>();
  #state: GroupState | undefined;
  #leaseMs = ACK_WAIT_MS;
  /** Number of waiting pulls whose member is blocked. */
  #blocked = 0;

  constructor(host: GroupHost, stream: string, name: string) {
    this.#host = host;
    this.#stream = stream;
    this.#name = name;
  }

  /** True if state is in memory. */
  get isLoaded(): boolean {
    return this.#state !== undefined;
  }

  /** A caller's handle of the group, with its own options. */
  handle(o: GroupOptions): Group {
    if (o.ackWaitMs !== undefined) this.#leaseMs = o.ackWaitMs;
    return {
      pull: (p) => this.#pull(p, o),
      ack: (ids) => this.#settle(ids, () => null),
      nack: (ids, n) => this.#nack(ids, n?.delayMs ?? 0),
      release: (ids) => this.#release(ids),
      extend: (ids, e) => this.#extend(ids, e?.forMs ?? this.#leaseMs),
      claim: (ids, member, c) => this.#claim(ids, member, c?.from),
      dead: async (d = {}) => this.#find({})?.dead.list(d, this.#deadSince(o)) ?? [],
      retry: (which) => this.#retry(which, o),
      purge: (which) => this.#purge(which, o),
      create: () => this.#create(o),
      stats: async () => this.#stats(o),
      remove: () => this.#remove(),
    };
  }

  #create(o: GroupOptions): Promise<boolean> {
    return this.#queue((changes) => {
      // This commit may create the stream; readers do not see its record yet.
      const state = this.#load(this.#host.table.open(this.#stream, changes), o);
      if (state.isStored) return false;
      state.save(changes, this.#host.leaseNow());
      return true;
    });
  }

  async #pull(p: PullOptions, o: GroupOptions): Promise<Delivery[]> {
    if (!(p.max >= 1)) throw new RangeError(`max must be at least 1, not ${p.max}`);
    if (p.member === undefined || p.holding === undefined) return await this.#take(p, o);
    // The response of an earlier pull was lost; entries leased to it would wait until their leases expire.
    const { member, holding } = p;
    const mine = new AbortController();
    this.#pulls.get(member)?.abort();
    this.#pulls.set(member, mine);
    const scope = firstAbort(p.signal, mine.signal);
    try {
      await this.#keepOnly(holding, member);
      return await this.#take({ ...p, signal: scope.signal }, o);
    } finally {
      scope.release();
      if (this.#pulls.get(member) === mine) this.#pulls.delete(member);
    }
  }

  async #take(p: PullOptions, o: GroupOptions): Promise<Delivery[]> {
    const begun = performance.now();
    const end = begun + (p.waitMs ?? 0);
    const searchEnd = Math.max(end, begun + SEARCH_MS);
    for (;;) {
      if (this.#host.closed) throw new LogError('draining', 'the log is closed: the server is stopping');
      await takeTurn(this.#stream, p.signal);
      if (p.signal?.aborted) return [];
      this.#serve(o);
      this.#checkRoom(p, o);
      let isBlocked = false;
      if (this.#isReady(o)) {
        const round = await this.#queue((changes) => {
          // The caller may have disconnected while the write waited for its commit.
          return p.signal?.aborted ? undefined : this.#round(p, o, changes);
        });
        if (round !== undefined && 'missed' in round) throw passedBy(round.missed, round.oldest);
        if (round !== undefined && round.deliveries.length > 0) return round.deliveries;
        if (round?.hasMore && performance.now() < searchEnd) continue;
        isBlocked = round?.isBlocked === true;
      }
      const left = end - performance.now();
      if (left <= 0) return [];
      const due = (this.#state?.pending.nextTurn ?? Infinity) - this.#host.leaseNow();
      const timeoutMs = Math.max(1, Math.min(left, isBlocked ? BLOCKED_MS : due));
      if (isBlocked) this.#blocked += 1;
      await this.#host.wakeups.wait(this.#stream, { signal: p.signal, timeoutMs });
      if (isBlocked) this.#blocked -= 1;
    }
  }

  /** On this process's first pull, renews all leases, so that live members have time to reconnect. */
  #serve(o: GroupOptions): void {
    const state = this.#find(o);
    if (state === undefined || this.#host.servedSince.has(state.group)) return;
    const now = this.#host.leaseNow();
    this.#host.servedSince.set(state.group, now);
    state.pending.renew(now + this.#leaseMs, now + this.#leaseMs);
  }

  #checkRoom({ member = '' }: PullOptions, o: GroupOptions): void {
    const { maxUnacknowledged: most } = o;
    if (most === undefined) return;
    const has = this.#find(o)?.pending.countOf(member, this.#host.leaseNow()) ?? 0;
    if (has < most) return;
    throw new LogError(
      'too_many_unacknowledged',
      `this member has ${most} entries it has not acknowledged: acknowledge some`,
      { limit: most },
    );
  }

  /** True if a pull could find an entry, determined without a write. */
  #isReady(o: GroupOptions): boolean {
    const stream = this.#host.table.peek(this.#stream);
    if (stream === undefined) return false;
    const state = this.#load(stream, o);
    if (state.cleanTo < stream.first && state.pending.lowest >= stream.first) state.cleanTo = stream.first;
    const now = this.#host.leaseNow();
    return (
      state.delivered < stream.last ||
      state.cleanTo < stream.first ||
      state.pending.nextTurn <= now ||
      state.isStale(now)
    );
  }

  #round(p: PullOptions, o: GroupOptions, changes: Change[]) {
    const stream = this.#host.table.peek(this.#stream);
    if (stream === undefined) return undefined;
    const state = this.#load(stream, o);
    const missed = this.#skipTrimmed(state, stream, changes);
    if (missed > 0) return { missed, oldest: stream.first };
    state.dead.removeBefore(this.#deadSince(o), changes);
    const round = new GroupRound(this.#host, stream, state, p, o, changes);
    round.run();
    return round;
  }

  /** Moves a group that was overtaken by trimming to the oldest retained entry; returns the number of missed entries. */
  #skipTrimmed(state: GroupState, stream: StreamRecord, changes: Change[]): number {
    let missed = Math.max(0, stream.first - 1 - state.delivered);
    if (missed > 0) state.delivered = stream.first - 1;
    if (state.cleanTo < stream.first) missed += state.pending.removeBelow(stream.first, changes);
    state.cleanTo = stream.first;
    if (missed > 0) state.save(changes, this.#host.leaseNow());
    return missed;
  }

  #nack(ids: readonly string[], delayMs: number): Promise<number> {
    const deadline = this.#host.leaseNow() + delayMs;
    return this.#settle(ids, (name, pending) =>
      pending.attempt === name.attempt ? { ...pending, member: null, deadline } : undefined,
    );
  }

  #release(ids: readonly string[]): Promise<number> {
    const deadline = this.#host.leaseNow();
    return this.#settle(ids, (name, pending) =>
      pending.attempt === name.attempt && pending.member !== null
        ? { ...pending, member: null, deadline, attempt: pending.attempt - 1 }
        : undefined,
    );
  }

  #extend(ids: readonly string[], ms: number): Promise<number> {
    const now = this.#host.leaseNow();
    return this.#settle(ids, (name, pending, state) => {
      if (pending.attempt !== name.attempt || pending.member === null) return undefined;
      if (pending.deadline <= now && state.pending.isLaneOut(name.offset, now)) return undefined;
      return { ...pending, deadline: now + ms };
    });
  }

  /** Leases these deliveries to a member unless another member holds them or their lanes; returns the ids that it holds. */
  async #claim(ids: readonly string[], member: string, from = member): Promise<string[]> {
    const now = this.#host.leaseNow();
    const claimed = new Set<number>();
    await this.#settle(ids, (name, pending, state) => {
      const isGiven = pending.member === member || pending.member === from;
      // The entry was returned for a later attempt, perhaps by this member a moment ago.
      if (pending.member === null) return undefined;
      if (!(isGiven && pending.deadline > now) && state.pending.isLaneOut(name.offset, now)) return undefined;
      claimed.add(name.offset);
      return { ...pending, member, deadline: now + this.#leaseMs };
    });
    return ids.filter((id) => claimed.has(decodeDeliveryId(id).offset));
  }

  /** Releases all entries of a member except those in `holding`: the member never received them. */
  async #keepOnly(holding: readonly string[], member: string): Promise<void> {
    const kept = new Set(holding.map((id) => decodeDeliveryId(id).offset));
    const isStray = ([offset, { attempt }]: readonly [number, Pending]) => attempt > 0 && !kept.has(offset);
    if (![...(this.#find({})?.pending.of(member) ?? [])].some(isStray)) return;
    await this.#changing((state, changes) => {
      const strays = [...state.pending.of(member)].filter(isStray);
      const deadline = this.#host.leaseNow();
      for (const [offset, row] of strays)
        state.pending.put(offset, { ...row, member: null, deadline, attempt: row.attempt - 1 }, changes);
      return strays.length;
    });
  }

  async #settle(ids: readonly string[], settle: Settle): Promise<number> {
    const names = [...new Set(ids)].map(decodeDeliveryId).filter(({ epoch }) => epoch === this.#host.epoch);
    return await this.#changing((state, changes) => {
      let count = 0;
      for (const name of names) {
        if (name.group !== state.tag) continue;
        const pending = state.pending.get(name.offset);
        // Ignore an attempt that has not happened, or that precedes a revival from the dead entries.
        if (pending === undefined || name.attempt < 1 || name.attempt > pending.attempt) continue;
        const next = settle(name, pending, state);
        if (next === undefined) continue;
        if (next === null) state.pending.remove(name.offset, changes);
        else state.pending.put(name.offset, next, changes);
        count += 1;
      }
      return count;
    });
  }

  #retry(which: DeadChoice, o: GroupOptions): Promise<number> {
    return this.#chosen(which, o, (id, state, changes) => {
      const dead = state.pending.isFull ? undefined : state.dead.read(id);
      if (dead === undefined) return false;
      const { offset, lane, data } = dead;
      state.dead.remove(id, changes);
      state.pending.put(offset, { attempt: 0, deadline: 0, lane, member: null, data }, changes);
      return true;
    });
  }

  #purge(which: DeadChoice, o: GroupOptions): Promise<number> {
    return this.#chosen(which, o, (id, state, changes) => state.dead.remove(id, changes));
  }

  /** Changes dead entries one by one, in portions; returns the number changed. */
  async #chosen(
    which: DeadChoice,
    o: GroupOptions,
    change: (id: string, state: GroupState, changes: Change[]) => boolean,
  ): Promise<number> {
    const ids = which === 'all' ? (this.#find({})?.dead.ids ?? []) : which;
    let count = 0;
    for (let from = 0; from < ids.length; from += PORTION) {
      // A commit to memory does not yield to the event loop.
      await nextTurn();
      const portion = ids.slice(from, from + PORTION);
      count += await this.#changing((state, changes) => {
        state.dead.removeBefore(this.#deadSince(o), changes);
        return portion.filter((id) => change(id, state, changes)).length;
      });
    }
    return count;
  }

  /** Changes pending or dead entries, and wakes waiting pulls if an entry becomes due earlier. */
  async #changing(change: (state: GroupState, changes: Change[]) => number): Promise<number> {
    let isSooner = false;
    const count = await this.#queue((changes) => {
      const state = this.#find({});
      if (state === undefined) return 0;
      const before = state.pending.nextTurn;
      const changed = change(state, changes);
      const after = state.pending.nextTurn;
      isSooner = after < before || this.#blocked > 0 || after <= this.#host.leaseNow();
      return changed;
    });
    if (isSooner) this.#host.wakeups.wake(this.#stream);
    return count;
  }

  #stats(o: GroupOptions): GroupStats {
    const state = this.#find(o);
    if (state === undefined) {
      const delivered = o.after ?? 0;
      return { delivered, pending: 0, held: 0, dead: 0, needs: delivered + 1 };
    }
    const { delivered, pending, dead } = state;
    const needs = Math.min(delivered + 1, pending.lowest);
    return { delivered, pending: pending.lent, held: pending.held, dead: dead.size, needs };
  }

  async #remove(): Promise<void> {
    const removed = await this.#queue((changes) => {
      const stream = this.#host.table.peek(this.#stream);
      const state = stream && this.#load(stream, {});
      if (stream === undefined || !state?.isStored) return undefined;
      state.remove(changes);
      this.#host.servedSince.delete(state.group);
      this.#host.table.keepIds(changes);
      // A later write of this commit must not reload the group from the store.
      this.#state = GroupState.anew(this.#host, stream, this.#name);
      return state;
    });
    if (removed === undefined) return;
    if (this.#state?.isStored === false) this.#state = undefined;
    await this.#host.sweepGroup(removed);
  }

  #deadSince(o: GroupOptions): number {
    return this.#host.now() - (o.deadMs ?? DEAD_MS);
  }

  /** Queues a part of a commit; wakes waiting pulls if it ends a hold-up of the group. */
  async #queue<T>(prepare: (changes: Change[]) => T): Promise<T> {
    let goesOn = false;
    const answer = await this.#host.queue.run(
      true,
      (changes) => {
        const wasHeldUp = this.#state?.isHeldUp ?? false;
        const prepared = prepare(changes);
        goesOn = wasHeldUp && this.#state?.isHeldUp === false;
        return prepared;
      },
      () => {
        this.#state = undefined;
      },
    );
    if (goesOn) this.#host.wakeups.wake(this.#stream);
    return answer;
  }

  /** The group's state, if the stream exists. */
  #find(o: GroupOptions): GroupState | undefined {
    const stream = this.#host.table.peek(this.#stream);
    return stream && this.#load(stream, o);
  }

  /** The group's state in this stream; for a new group, its initial state. */
  #load(stream: StreamRecord, o: GroupOptions): GroupState {
    if (this.#state?.stream === stream.id && (this.#state.isStored || o.after === undefined))
      return this.#state;
    this.#state = GroupState.load(this.#host, stream, this.#name, this.#leaseMs, o.after);
    return this.#state;
  }
}

function passedBy(missed: number, oldest: number): LogError {
  return new LogError(
    'cursor_expired',
    `${missed} entries were trimmed before this group had processed them; it continues at ${oldest}`,
    { missed, oldest },
  );
}
