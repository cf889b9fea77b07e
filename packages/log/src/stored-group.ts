import type { CommitQueue } from './commit-queue.js';
import { type DeliveryName, decodeDeliveryId, encodeDeliveryId } from './delivery-id.js';
import type { Delivery, Entry, Group, GroupOptions, GroupStats, PullOptions } from './log.js';
import { LogError } from './log-error.js';
import { decodeGroup, encodeGroup, groupKey, PendingSet } from './pending-set.js';
import { readEntries } from './read-entries.js';
import type { Change, Store } from './store.js';
import type { StreamRecord } from './stream-record.js';
import type { StreamTable } from './stream-table.js';
import type { Wakeups } from './wakeups.js';

const ACK_WAIT_MS = 30_000;
const PULL_BYTES = 4 * 1024 * 1024;

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

/** The group as it stands: loaded from the store, changed while preparing, dropped when a commit fails. */
interface State {
  readonly stream: number;
  readonly group: number;
  /** Whether the store has a row of it; until then it may still start elsewhere. */
  stored: boolean;
  delivered: number;
  /** Nothing pending is below this offset. */
  cleanTo: number;
  readonly pending: PendingSet;
}

/** A group in a stored log. All handles of one group share one of these, so that members see each other's pulls. */
export class StoredGroup {
  readonly #host: GroupHost;
  readonly #stream: string;
  readonly #name: string;
  #state: State | undefined;

  constructor(host: GroupHost, stream: string, name: string) {
    this.#host = host;
    this.#stream = stream;
    this.#name = name;
  }

  /** One caller's view of the group, with its own options. */
  handle(o: GroupOptions): Group {
    return {
      pull: (p) => this.#pull(p, o),
      ack: (ids) =>
        this.#settle(ids, (name, state, changes) => state.pending.remove(name.offset, changes), false),
      nack: (ids, n) => this.#lendUntil(ids, n?.delayMs ?? 0),
      extend: (ids, e) => this.#lendUntil(ids, e?.forMs ?? o.ackWaitMs ?? ACK_WAIT_MS),
      create: () => this.#create(o),
      stats: async () => this.#stats(o),
      remove: () => this.#remove(),
    };
  }

  #create(o: GroupOptions): Promise<boolean> {
    return this.#queue((changes) => {
      // The stream may be made by this very commit: its record is then not yet what readers see.
      const state = this.#load(this.#host.table.open(this.#stream, changes), o);
      if (state.stored) return false;
      this.#save(state, changes);
      return true;
    });
  }

  async #pull(p: PullOptions, o: GroupOptions): Promise<Delivery[]> {
    if (!(p.max >= 1)) throw new RangeError(`max must be at least 1, not ${p.max}`);
    const end = performance.now() + (p.waitMs ?? 0);
    for (;;) {
      if (this.#host.closed) throw new LogError('log_closed', 'the log is closed');
      if (p.signal?.aborted) return [];
      if (this.#isReady(o)) {
        const pulled = await this.#queue((changes) => this.#take(p, o, changes));
        if (pulled.missed > 0) throw passedBy(pulled.missed, pulled.oldest);
        if (pulled.deliveries.length > 0) return pulled.deliveries;
      }
      const left = end - performance.now();
      if (left <= 0) return [];
      const due = (this.#state?.pending.nextDeadline ?? Infinity) - this.#host.now();
      await this.#host.wakeups.wait(this.#stream, {
        signal: p.signal,
        timeoutMs: Math.max(1, Math.min(left, due)),
      });
    }
  }

  /** Whether a pull would find something, as far as can be told without writing. */
  #isReady(o: GroupOptions): boolean {
    const stream = this.#host.table.peek(this.#stream);
    if (stream === undefined) return false;
    const state = this.#load(stream, o);
    if (state.cleanTo < stream.first && state.pending.lowest >= stream.first) state.cleanTo = stream.first;
    return (
      state.delivered < stream.last ||
      state.cleanTo < stream.first ||
      state.pending.nextDeadline <= this.#host.now()
    );
  }

  #take(p: PullOptions, o: GroupOptions, changes: Change[]) {
    const host = this.#host;
    const deliveries: Delivery[] = [];
    const stream = host.table.peek(this.#stream);
    if (stream === undefined) return { deliveries, missed: 0, oldest: 1 };
    const state = this.#load(stream, o);
    const missed = this.#skipTrimmed(state, stream, changes);
    if (missed > 0) return { deliveries, missed, oldest: stream.first };

    const now = host.now();
    const deadline = now + (o.ackWaitMs ?? ACK_WAIT_MS);
    let bytes = p.maxBytes ?? PULL_BYTES;
    const lend = (entry: Entry, attempt: number) => {
      state.pending.put(entry.offset, { attempt, deadline }, changes);
      const id = encodeDeliveryId({ epoch: host.epoch, offset: entry.offset, attempt });
      deliveries.push({ id, attempt, ...entry });
      bytes -= entry.data.byteLength;
    };
    while (deliveries.length < p.max && bytes > 0) {
      const due = state.pending.takeDue(now);
      if (due === undefined) break;
      const attempt = (state.pending.get(due)?.attempt ?? 0) + 1;
      for (const entry of readEntries(host.store, stream, { after: due - 1, limit: 1 })) lend(entry, attempt);
    }
    if (deliveries.length < p.max && bytes > 0) {
      const limit = p.max - deliveries.length;
      for (const entry of readEntries(host.store, stream, {
        after: state.delivered,
        limit,
        maxBytes: bytes,
      })) {
        lend(entry, 1);
        state.delivered = entry.offset;
      }
    }
    if (deliveries.length > 0) this.#save(state, changes);
    return { deliveries, missed: 0, oldest: stream.first };
  }

  /** Moves a group that trimming has passed by to what is left; answers with how many entries it will never see. */
  #skipTrimmed(state: State, stream: StreamRecord, changes: Change[]): number {
    let missed = Math.max(0, stream.first - 1 - state.delivered);
    if (missed > 0) state.delivered = stream.first - 1;
    if (state.cleanTo < stream.first) missed += state.pending.removeBelow(stream.first, changes);
    state.cleanTo = stream.first;
    if (missed > 0) this.#save(state, changes);
    return missed;
  }

  /** Sets a new deadline for deliveries that have not been lent anew since. */
  async #lendUntil(ids: readonly string[], ms: number): Promise<number> {
    const deadline = this.#host.now() + ms;
    const lend = (name: DeliveryName, state: State, changes: Change[]) =>
      state.pending.put(name.offset, { attempt: name.attempt, deadline }, changes);
    const settled = await this.#settle(ids, lend, true);
    this.#host.wakeups.wake(this.#stream);
    return settled;
  }

  async #settle(
    ids: readonly string[],
    settle: (name: DeliveryName, state: State, changes: Change[]) => void,
    sameAttempt: boolean,
  ): Promise<number> {
    const names = ids.map(decodeDeliveryId);
    return await this.#queue((changes) => {
      const stream = this.#host.table.peek(this.#stream);
      if (stream === undefined) return 0;
      const state = this.#load(stream, {});
      let settled = 0;
      for (const name of names) {
        const pending = state.pending.get(name.offset);
        if (pending === undefined || name.epoch !== this.#host.epoch) continue;
        if (sameAttempt && pending.attempt !== name.attempt) continue;
        settle(name, state, changes);
        settled += 1;
      }
      return settled;
    });
  }

  #stats(o: GroupOptions): GroupStats {
    const stream = this.#host.table.peek(this.#stream);
    if (stream === undefined) return { delivered: o.after ?? 0, pending: 0, needs: (o.after ?? 0) + 1 };
    const { delivered, pending } = this.#load(stream, o);
    return { delivered, pending: pending.size, needs: Math.min(delivered + 1, pending.lowest) };
  }

  async #remove(): Promise<void> {
    await this.#queue((changes) => {
      const stream = this.#host.table.peek(this.#stream);
      if (stream === undefined) return;
      this.#load(stream, {}).pending.removeAll(changes);
      changes.push([groupKey(stream.id, this.#name), undefined]);
      this.#state = undefined;
    });
  }

  #queue<T>(prepare: (changes: Change[]) => T): Promise<T> {
    return this.#host.queue.run(true, prepare, () => {
      this.#state = undefined;
    });
  }

  /** The group's state in this stream; of a new group, what it will be once something is written. */
  #load(stream: StreamRecord, o: GroupOptions): State {
    if (this.#state?.stream === stream.id && (this.#state.stored || o.after === undefined))
      return this.#state;
    const { store, table } = this.#host;
    const value = store.get(groupKey(stream.id, this.#name));
    const { group, delivered } =
      value === undefined
        ? { group: table.newId(), delivered: o.after ?? stream.first - 1 }
        : decodeGroup(value);
    this.#state = {
      stream: stream.id,
      group,
      stored: value !== undefined,
      delivered,
      cleanTo: 0,
      pending: PendingSet.load(store, stream.id, group),
    };
    return this.#state;
  }

  #save(state: State, changes: Change[]): void {
    changes.push([groupKey(state.stream, this.#name), encodeGroup(state)]);
    state.stored = true;
  }
}

function passedBy(missed: number, oldest: number): LogError {
  return new LogError(
    'cursor_expired',
    `${missed} entries were trimmed before this group was done with them; it goes on from ${oldest}`,
    { missed, oldest },
  );
}
