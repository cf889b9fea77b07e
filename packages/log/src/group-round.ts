import type { BlockReader } from './block.js';
import { encodeDeliveryId } from './delivery-id.js';
import type { Pending } from './group-rows.js';
import type { GroupHost, GroupState } from './group-state.js';
import type { Delivery, GroupOptions, PullOptions } from './log.js';
import type { Lane } from './pending-set.js';
import { blockWith, readEntries } from './read-entries.js';
import type { Change } from './store.js';
import type { StreamRecord } from './stream-record.js';

export const ACK_WAIT_MS = 30_000;
const PULL_BYTES = 4 * 1024 * 1024;
/** Entries held back for their lanes, beyond which a group reads no further ahead: it keeps them in memory. */
const LOOK_AHEAD = 10_000;
/** Entries looked at in one turn of the event loop. */
const SCAN = 2_000;
const PAGE = 250;
/**
 * An entry that was handed out so often goes alone of its lane, and with its last try alone of all: what makes a member
 * fail does not take along what it was pulled with.
 */
const SUSPECT = 2;

/** One pull's part of a commit: what of a group is lent to one member. */
export class GroupRound {
  readonly deliveries: Delivery[] = [];
  /** Nothing was found yet, and there is more to look at. */
  hasMore = false;
  readonly #host: GroupHost;
  readonly #stream: StreamRecord;
  readonly #state: GroupState;
  readonly #options: GroupOptions;
  readonly #changes: Change[];
  readonly #member: string;
  readonly #now: number;
  /** Lanes of which all that is pending was lent in this round: what comes next of them may go along. */
  readonly #mine = new Set<Lane>();
  #room: number;
  #bytes: number;
  /** What comes next does not fit: the rest is for the next pull, or order would be lost. */
  #isFull = false;
  #block: BlockReader | undefined;

  constructor(
    host: GroupHost,
    stream: StreamRecord,
    state: GroupState,
    pull: PullOptions,
    options: GroupOptions,
    changes: Change[],
  ) {
    this.#host = host;
    this.#stream = stream;
    this.#state = state;
    this.#options = options;
    this.#changes = changes;
    this.#member = pull.member ?? '';
    this.#now = host.now();
    this.#bytes = pull.maxBytes ?? PULL_BYTES;
    const has = options.maxUnacknowledged === undefined ? 0 : state.pending.countOf(this.#member, this.#now);
    this.#room = Math.min(pull.max, (options.maxUnacknowledged ?? Infinity) - has);
  }

  /** Lends what is due, then what is new, and saves the group when something changed. */
  run(): void {
    const { length } = this.#changes;
    this.#lendDue();
    if (!this.#isFull) this.#lendNew();
    if (this.#changes.length > length || this.#state.isStale(this.#now))
      this.#state.save(this.#changes, this.#now);
  }

  #lendDue(): void {
    const { pending } = this.#state;
    while (this.#room > 0 && !this.#isFull) {
      const lane = pending.laneInTurn(this.#now);
      if (lane === undefined) return;
      if (this.#lendLane(lane)) this.#mine.add(lane);
    }
  }

  /** Lends of a lane what may be lent, in order; whether that is all of it. */
  #lendLane(lane: Lane): boolean {
    const { pending, dead } = this.#state;
    let lent = 0;
    for (const offset of [...lane.offsets]) {
      const row = pending.get(offset);
      if (row === undefined) continue;
      if (row.deadline > this.#now || this.#room <= 0) return false;
      const isSuspect = row.attempt >= SUSPECT;
      if (isSuspect && lent > 0) return false;
      const data = row.data ?? this.#entry(offset);
      const { lane: key, attempt: attempts } = row;
      if (attempts >= (this.#options.maxAttempts ?? Infinity)) {
        pending.remove(offset, this.#changes);
        dead.add(offset, { attempts, diedAt: this.#now, lane: key, data }, this.#changes);
        continue;
      }
      if (!this.#lend(offset, data, row) || isSuspect) return false;
      lent += 1;
    }
    return true;
  }

  #lendNew(): void {
    const { pending } = this.#state;
    const { wants, lane: laneOf } = this.#options;
    let scanned = 0;
    while (this.#room > 0 && !this.#isFull && this.#state.delivered < this.#stream.last) {
      if (scanned >= SCAN) {
        this.hasMore = this.deliveries.length === 0;
        return;
      }
      const page = readEntries(this.#host.store, this.#stream, { after: this.#state.delivered, limit: PAGE });
      scanned += page.length;
      for (const { offset, data } of page) {
        if (wants === undefined || wants(data)) {
          const key = laneOf?.(data) ?? null;
          const before = key === null ? undefined : pending.lane(key);
          if (before === undefined || this.#mine.has(before)) {
            if (!this.#lend(offset, data, { lane: key, attempt: 0, data: null })) return;
            const own = key === null ? undefined : pending.lane(key);
            if (own !== undefined) this.#mine.add(own);
          } else {
            if (pending.held >= LOOK_AHEAD) return;
            pending.put(
              offset,
              { attempt: 0, deadline: 0, lane: key, member: null, data: null },
              this.#changes,
            );
          }
        }
        this.#state.delivered = offset;
      }
    }
  }

  /** Lends an entry; false when there is no room for it. */
  #lend(offset: number, data: Uint8Array, row: Pick<Pending, 'attempt' | 'lane' | 'data'>): boolean {
    const attempt = row.attempt + 1;
    const isAlone = attempt > SUSPECT && attempt >= (this.#options.maxAttempts ?? Infinity);
    const isFirst = this.deliveries.length === 0;
    this.#isFull = this.#room <= 0 || (!isFirst && (isAlone || data.byteLength > this.#bytes));
    if (this.#isFull) return false;
    this.#isFull = isAlone;
    // A deadline of now would be due again in this very round.
    const deadline = this.#now + Math.max(1, this.#options.ackWaitMs ?? ACK_WAIT_MS);
    const { lane, data: copy } = row;
    this.#state.pending.put(
      offset,
      { attempt, deadline, lane, member: this.#member, data: copy },
      this.#changes,
    );
    const id = encodeDeliveryId({ epoch: this.#host.epoch, offset, attempt });
    this.deliveries.push({ id, attempt, offset, data });
    this.#bytes -= data.byteLength;
    this.#room -= 1;
    return true;
  }

  #entry(offset: number): Buffer {
    if (this.#block === undefined || offset < this.#block.first || offset > this.#block.last)
      this.#block = blockWith(this.#host.store, this.#stream.id, offset);
    return this.#block.entry(offset);
  }
}
