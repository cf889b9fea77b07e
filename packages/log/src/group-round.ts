import { Slice } from '@weir/base';
import type { BlockReader } from './block.js';
import { encodeDeliveryId } from './delivery-id.js';
import type { Pending } from './group-rows.js';
import type { GroupHost, GroupState } from './group-state.js';
import type { Delivery, GroupOptions, PullOptions } from './log.js';
import type { Lane } from './pending-set.js';
import { blockWith, readEntries } from './read-entries.js';
import type { Change } from './store.js';
import type { StreamRecord } from './stream-record.js';

/** Default lease duration. */
export const ACK_WAIT_MS = 30_000;
const PULL_BYTES = 4 * 1024 * 1024;
/** Maximum number of entries that become dead in one pull, and of their bytes, which are copied. */
const DEATHS = 500;
const DEATH_BYTES = 4 * 1024 * 1024;
/**
 * Maximum number and bytes of entries scanned in one round and per page. A round without deliveries also ends after a
 * time slice.
 */
const SCAN = 2_000;
const SCAN_BYTES = 4 * 1024 * 1024;
const PAGE = 250;
const PAGE_BYTES = 128 * 1024;
/**
 * From this attempt on, an entry is delivered without others of its lane, and on its last attempt without any others,
 * so that a poison entry cannot use up the attempts of entries in the same batch.
 */
const SUSPECT = 2;

/** One pull's part of a commit: selects and leases the entries for one member. */
export class GroupRound {
  readonly deliveries: Delivery[] = [];
  /** No entry was found yet, but more remain to be scanned. */
  hasMore = false;
  /** The member must not get entries now: it has an entry on its last attempt, or will get one alone. */
  isBlocked = false;
  readonly #host: GroupHost;
  readonly #stream: StreamRecord;
  readonly #state: GroupState;
  readonly #options: GroupOptions;
  readonly #changes: Change[];
  readonly #member: string;
  readonly #now: number;
  readonly #leaseMs: number;
  /** Lanes whose pending entries were all leased in this round; their next entries may follow in the same pull. */
  readonly #mine = new Set<Lane>();
  #room: number;
  #bytes: number;
  #deaths = 0;
  #deathBytes = 0;
  /** The round has ended; the rest is for another pull. */
  #isOver = false;
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
    this.#now = host.leaseNow();
    this.#leaseMs = options.ackWaitMs ?? ACK_WAIT_MS;
    this.#bytes = pull.maxBytes ?? PULL_BYTES;
    const has = options.maxUnacknowledged === undefined ? 0 : state.pending.countOf(this.#member, this.#now);
    this.#room = Math.min(pull.max, (options.maxUnacknowledged ?? Infinity) - has);
  }

  /** Leases due entries, then new ones; persists the group if something changed. */
  run(): void {
    const { length } = this.#changes;
    if (this.#hasLastTry()) {
      this.isBlocked = true;
      return;
    }
    this.#lendDue();
    this.#state.pending.restoreTurns();
    if (!this.#isOver) this.#lendNew();
    if (this.#changes.length > length || this.#state.isStale(this.#now))
      this.#state.save(this.#changes, this.#now);
  }

  /** True if the member has an entry on its last attempt; its other entries would fail with it. */
  #hasLastTry(): boolean {
    for (const [, row] of this.#state.pending.of(this.#member))
      if (row.deadline > this.#now && this.#isLast(row.attempt)) return true;
    return false;
  }

  #isLast(attempt: number): boolean {
    return attempt > SUSPECT && attempt >= (this.#options.maxAttempts ?? Infinity);
  }

  /** Decides whether this member may get an entry on its last attempt now. Only a member without other entries may. */
  #mayHaveAlone(offset: number, lane: Lane): 'yes' | 'later' {
    const { pending, promised } = this.#state;
    if (this.deliveries.length === 0 && pending.countOf(this.#member, this.#now) === 0) {
      promised.end(offset);
      return 'yes';
    }
    if (this.deliveries.length === 0 && promised.take(offset, this.#member, this.#now, this.#leaseMs)) {
      this.isBlocked = true;
      this.#isOver = true;
    } else pending.setAside(lane);
    return 'later';
  }

  #lendDue(): void {
    const { pending } = this.#state;
    while (this.#room > 0 && !this.#isOver) {
      const lane = pending.laneInTurn(this.#now);
      if (lane === undefined) return;
      if (this.#lendLane(lane)) this.#mine.add(lane);
    }
  }

  /** Leases the due entries of a lane in order; returns true if these are all of the lane. */
  #lendLane(lane: Lane): boolean {
    const { pending } = this.#state;
    let lent = 0;
    for (const offset of [...lane.offsets]) {
      const row = pending.get(offset);
      if (row === undefined) continue;
      if (row.deadline > this.#now || this.#room <= 0) return false;
      const isSuspect = row.attempt >= SUSPECT;
      if (isSuspect && lent > 0) return false;
      const data = row.data ?? this.#entry(offset);
      if (row.attempt >= (this.#options.maxAttempts ?? Infinity)) {
        if (!this.#bury(offset, data, row)) return false;
        continue;
      }
      if (this.#isLast(row.attempt + 1) && this.#mayHaveAlone(offset, lane) === 'later') return false;
      if (!this.#lend(offset, data, row) || isSuspect) return false;
      lent += 1;
    }
    return true;
  }

  /** Moves an entry to the dead entries; returns false if this round has moved enough. */
  #bury(offset: number, data: Buffer, { attempt: attempts, lane }: Pending): boolean {
    if (this.#deaths >= DEATHS || this.#deathBytes >= DEATH_BYTES) {
      this.#isOver = true;
      this.hasMore = this.deliveries.length === 0;
      return false;
    }
    this.#deaths += 1;
    this.#deathBytes += data.byteLength;
    this.#state.pending.remove(offset, this.#changes);
    this.#state.dead.add(offset, { attempts, diedAt: this.#host.now(), lane, data }, this.#changes);
    return true;
  }

  #lendNew(): void {
    const { pending } = this.#state;
    const { wants, lane: laneOf } = this.#options;
    let scanned = 0;
    let scannedBytes = 0;
    const slice = new Slice();
    while (this.#room > 0 && !this.#isOver && this.#state.delivered < this.#stream.last) {
      const isEnough = scanned >= SCAN || scannedBytes > SCAN_BYTES;
      if (isEnough || (scanned > 0 && this.deliveries.length === 0 && slice.isOver)) {
        this.hasMore = this.deliveries.length === 0;
        return;
      }
      const after = this.#state.delivered;
      const page = readEntries(this.#host.store, this.#stream, {
        after,
        limit: PAGE,
        maxBytes: PAGE_BYTES,
      });
      scanned += page.length;
      for (const { data } of page) scannedBytes += data.byteLength;
      for (const { offset, data } of page) {
        if (wants === undefined || wants(data)) {
          if (pending.isFull) return;
          const key = laneOf?.(data) ?? null;
          const before = key === null ? undefined : pending.lane(key);
          if (before === undefined || this.#mine.has(before)) {
            if (!this.#lend(offset, data, { lane: key, attempt: 0, data: null })) return;
            const own = key === null ? undefined : pending.lane(key);
            if (own !== undefined) this.#mine.add(own);
          } else {
            if (pending.isAhead) return;
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

  /** Leases an entry; returns false if the pull has no room for it. */
  #lend(offset: number, data: Uint8Array, row: Pick<Pending, 'attempt' | 'lane' | 'data'>): boolean {
    const attempt = row.attempt + 1;
    const isAlone = this.#isLast(attempt);
    const isFirst = this.deliveries.length === 0;
    this.#isOver = this.#room <= 0 || (!isFirst && data.byteLength > this.#bytes);
    if (this.#isOver) return false;
    this.#isOver = isAlone;
    // With a deadline of now, the entry would be due again in this round.
    const deadline = this.#now + Math.max(1, this.#leaseMs);
    const { lane, data: copy } = row;
    this.#state.pending.put(
      offset,
      { attempt, deadline, lane, member: this.#member, data: copy },
      this.#changes,
    );
    const { tag: group } = this.#state;
    const id = encodeDeliveryId({ epoch: this.#host.epoch, group, offset, attempt });
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
