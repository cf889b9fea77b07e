import { randomUUID } from 'node:crypto';
import { Slice, takeTurn } from '@weir/base';
import { AppendWrite } from './append-write.js';
import { CommitQueue } from './commit-queue.js';
import type { GroupHost } from './group-state.js';
import { GroupTable } from './group-table.js';
import {
  after,
  blockKey,
  entryKeys,
  type GroupNumber,
  idKey,
  nameKey,
  removedGroupKey,
  STREAM_TABLES,
} from './keys.js';
import { LeaseClock } from './lease-clock.js';
import type {
  Appended,
  AppendOptions,
  Cursor,
  Entry,
  Group,
  GroupOptions,
  Log,
  LogSize,
  Part,
  ReadOptions,
  RemoveOptions,
  StreamStats,
  TailOptions,
} from './log.js';
import { LogError } from './log-error.js';
import { blockWith, expired, readEntries } from './read-entries.js';
import type { Change, KeyRange, Store } from './store.js';
import { StoredCursor } from './stored-cursor.js';
import { costOf } from './stream-record.js';
import { StreamTable } from './stream-table.js';
import { Wakeups } from './wakeups.js';

/** Rows deleted per commit; few enough for the space that is reserved on a full disk. */
const SWEEP_KEYS = 200;
/** Names read from the store at a time. */
const NAMES = 500;
const TAIL_BYTES = 256 * 1024;
const MAX_NAME_BYTES = 1024;
const MAX_APPEND_BYTES = 1024 * 1024 * 1024;
/** Fraction of `maxBytes` above the limit for appends that allow the log to be trimmed. */
const RESERVE = 1 / 8;
/** Fraction of `maxBytes` that one owner may have while less than {@link FREE} of it is free. */
const SHARE = 1 / 4;
const FREE = 1 / 4;
/** Maximum size of such an append on a full disk: it fits into a page, of which some are reserved. */
const ESSENTIAL_BYTES = 1500;

/** Options of a {@link StoredLog}. */
export interface StoredLogOptions {
  readonly maxBytes: number;
  /** Clock, Unix milliseconds: for the epoch of a new log and the age of dead entries. */
  readonly now: () => number;
  /** Clock for leases; default a {@link LeaseClock}. */
  readonly leaseNow?: () => number;
}

/** A log over an ordered key-value {@link Store}: blocks of entries, one record per stream, rows of cursors and groups. */
export class StoredLog implements Log, GroupHost {
  readonly engine: 'memory' | 'lmdb';
  readonly epoch: number;
  readonly id: string;
  readonly store: Store;
  readonly table: StreamTable;
  readonly queue: CommitQueue;
  readonly wakeups = new Wakeups();
  readonly now: () => number;
  readonly leaseNow: () => number;
  readonly servedSince = new Map<number, number>();
  readonly #clock: LeaseClock | undefined;
  readonly #maxBytes: number;
  readonly #groups = new GroupTable(this);
  #queuedBytes = 0;
  /** Queued bytes per owner. */
  readonly #queuedOf = new Map<string, number>();
  #quotaRefusals = 0;
  #closing: Promise<void> | undefined;

  private constructor(store: Store, { epoch, id }: Identity, o: StoredLogOptions) {
    this.engine = store.engine;
    this.store = store;
    this.epoch = epoch;
    this.id = id;
    this.now = o.now;
    const { leaseNow } = o;
    const clock = leaseNow === undefined ? new LeaseClock(o.now()) : undefined;
    this.#clock = clock;
    this.leaseNow = leaseNow ?? (() => clock?.now() ?? 0);
    this.#maxBytes = o.maxBytes;
    this.table = new StreamTable(store, (stream) => this.wakeups.wake(stream));
    this.queue = new CommitQueue(store, this.table);
  }

  /** Opens the log in a store; assigns an identity to a new log, and resumes deletions that a crash interrupted. */
  static async open(store: Store, o: StoredLogOptions): Promise<StoredLog> {
    const log = new StoredLog(store, await identify(store, o.now), o);
    void log.#finishRemovals();
    return log;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  async append(stream: string, entries: readonly Uint8Array[], o: AppendOptions = {}): Promise<Appended> {
    const owner = o.owner === undefined ? {} : { owner: o.owner };
    const [place] = await this.#append([{ stream, entries, ...owner }], o.reserve === true);
    return place ?? { first: 1, last: 0 };
  }

  appendAll(parts: readonly Part[], o: AppendOptions = {}): Promise<Appended[]> {
    return this.#append(parts, o.reserve === true);
  }

  #append(parts: readonly Part[], reserve: boolean): Promise<Appended[]> {
    return new Promise((resolve, reject) => {
      let cost = 0;
      for (const { stream, entries } of parts) {
        checkName(stream);
        cost += costOf(entries);
      }
      const essential = reserve && cost <= ESSENTIAL_BYTES;
      this.#checkRoom(cost, reserve, essential);
      if (!reserve) this.#checkOwners(parts);
      this.#countQueued(parts, cost, 1);
      const settled = () => this.#countQueued(parts, cost, -1);
      this.queue.add(new AppendWrite(this.table, parts, cost, essential, settled, resolve, reject));
    });
  }

  async read(stream: string, o: ReadOptions): Promise<Entry[]> {
    return this.#read(stream, o);
  }

  async *tail(stream: string, { after, signal }: TailOptions): AsyncIterable<Entry> {
    let place = after;
    while (!signal.aborted) {
      await takeTurn(stream, signal);
      if (signal.aborted) return;
      const entries = this.#read(stream, { after: place, maxBytes: TAIL_BYTES });
      // No commit can happen between this read and the wait, because both are in one turn of the event loop.
      if (entries.length === 0) await this.wakeups.wait(stream, { signal });
      for (const entry of entries) {
        if (signal.aborted) return;
        yield entry;
        place = entry.offset;
      }
    }
  }

  async wait(
    stream: string,
    { after, signal, timeoutMs = Infinity }: TailOptions & { readonly timeoutMs?: number },
  ): Promise<void> {
    const end = performance.now() + timeoutMs;
    // No commit can happen between a check and the wait, because both are in one turn of the event loop.
    while (!signal.aborted && this.table.lastEver(stream) <= after) {
      this.#checkOpen();
      const left = end - performance.now();
      if (left <= 0) return;
      await this.wakeups.wait(stream, { signal, timeoutMs: left });
    }
  }

  checkQuota(held: number, coming: number): void {
    const free = this.#maxBytes - this.table.bytes - this.#queuedBytes - coming;
    if (held + coming <= this.#maxBytes * SHARE || free >= this.#maxBytes * FREE) return;
    this.#quotaRefusals += 1;
    throw new LogError(
      'project_quota',
      `the project has ${held} of the ${this.#maxBytes} bytes of the log, more than a quarter, and less than a quarter is free`,
    );
  }

  cursor(stream: string, reader: string): Cursor {
    checkName(stream);
    checkName(reader);
    return new StoredCursor(this.store, this.queue, this.table, stream, reader);
  }

  group(stream: string, name: string, o: GroupOptions = {}): Group {
    checkName(stream);
    checkName(name);
    return this.#groups.handle(stream, name, o);
  }

  async trim(stream: string, before: number): Promise<void> {
    const below = await this.queue.run(true, (changes) => {
      const record = this.table.peek(stream);
      const pending = this.table.pending(stream);
      if (record === undefined || pending?.id !== record.id) return undefined;
      const first = Math.min(before, record.last + 1);
      if (first <= pending.first) return undefined;
      if (first > record.last) {
        this.table.startAt(stream, first, record.end);
        return this.#sweep(blocks(record.id, first), changes);
      }
      const block = blockWith(this.store, record.id, first);
      this.table.startAt(stream, first, block.positionOf(first));
      return this.#sweep(blocks(record.id, block.first), changes);
    });
    if (below !== undefined) await this.#sweepAll(below);
  }

  async remove(stream: string, { forget = false }: RemoveOptions = {}): Promise<void> {
    const id = await this.queue.run(true, (changes) => this.table.remove(stream, forget, changes));
    if (id !== undefined) await this.#sweepStream(id);
  }

  async sweepGroup(group: GroupNumber): Promise<void> {
    for (const table of ['p', 'f'] as const)
      await this.#sweepAll(entryKeys(table, group.stream, group.group));
    await this.queue.run(true, (changes) => {
      changes.push([removedGroupKey(group), undefined]);
    });
  }

  async streams(prefix = ''): Promise<string[]> {
    const names: string[] = [];
    const slice = new Slice();
    for (let after: string | undefined, more = true; more; ) {
      this.#checkOpen();
      const page = [...this.table.names(prefix, after, NAMES)];
      names.push(...page);
      after = page.at(-1);
      more = page.length === NAMES;
      if (more && slice.isOver) await slice.next();
    }
    return names;
  }

  async stats(stream: string): Promise<StreamStats> {
    this.#checkOpen();
    const record = this.table.peek(stream);
    if (record === undefined) {
      const last = this.table.lastEver(stream);
      return { first: last + 1, last, entries: 0, bytes: 0 };
    }
    const { first, last, start, end } = record;
    return { first, last, entries: last - first + 1, bytes: end - start };
  }

  async size(): Promise<LogSize> {
    const { bytes } = this.table;
    const writable = !this.closed && bytes < this.#maxBytes && !(await this.store.isFull());
    const { message: failure } = this.store.failure ?? { message: null };
    return { bytes, maxBytes: this.#maxBytes, writable, failure, quotaRefusals: this.#quotaRefusals };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.queue.close();
    this.#clock?.stop();
    this.wakeups.wakeAll();
    await this.store.close();
  }

  #read(stream: string, o: ReadOptions): Entry[] {
    this.#checkOpen();
    const record = this.table.peek(stream);
    if (record !== undefined) return readEntries(this.store, record, o);
    const last = this.table.lastEver(stream);
    if (o.after < last) throw expired(o.after, last + 1);
    return [];
  }

  #checkOpen(): void {
    if (this.closed) throw new LogError('draining', 'the log is closed: the server is stopping');
  }

  #checkRoom(cost: number, reserve: boolean, essential: boolean): void {
    if (cost > MAX_APPEND_BYTES) {
      throw new LogError('entry_too_large', `${cost} bytes in one append; at most ${MAX_APPEND_BYTES}`);
    }
    const bytes = this.table.bytes + this.#queuedBytes + cost;
    if (bytes > this.#maxBytes * (reserve ? 1 + RESERVE : 1)) {
      throw new LogError('log_full', `the log holds ${this.table.bytes} of at most ${this.#maxBytes} bytes`);
    }
    if (!essential && !this.store.hasRoom()) {
      throw new LogError('log_full', 'the disk of the log is full: appends wait until space is freed');
    }
  }

  #checkOwners(parts: readonly Part[]): void {
    const coming = new Map<string, number>();
    for (const { owner, entries } of parts)
      if (owner !== undefined) coming.set(owner, (coming.get(owner) ?? 0) + costOf(entries));
    for (const [owner, bytes] of coming)
      this.checkQuota(this.table.bytesOf(owner) + (this.#queuedOf.get(owner) ?? 0), bytes);
  }

  /** Adds or subtracts the bytes that wait to be committed. */
  #countQueued(parts: readonly Part[], cost: number, sign: 1 | -1): void {
    this.#queuedBytes += sign * cost;
    for (const { owner, entries } of parts) {
      if (owner === undefined) continue;
      const bytes = (this.#queuedOf.get(owner) ?? 0) + sign * costOf(entries);
      if (bytes > 0) this.#queuedOf.set(owner, bytes);
      else this.#queuedOf.delete(owner);
    }
  }

  async #finishRemovals(): Promise<void> {
    try {
      for (const id of [...this.table.removedIds()]) await this.#sweepStream(id);
      for (const group of [...this.table.removedGroups()]) await this.sweepGroup(group);
    } catch {
      // The log is closed or full: the marks stay, and the next open resumes.
    }
  }

  /** Deletes the rows of a removed stream, then the mark that they exist. */
  async #sweepStream(id: number): Promise<void> {
    for (const table of STREAM_TABLES) {
      const from = idKey(table, id);
      await this.#sweepAll({ from, to: after(from) });
    }
    await this.queue.run(true, (changes) => {
      changes.push([idKey('x', id), undefined]);
    });
  }

  /** Deletes a range of rows, a bounded number per commit, so that appends get a turn. */
  async #sweepAll(range: KeyRange): Promise<void> {
    for (let more = true; more; ) {
      more = await this.queue.run(true, (changes) => {
        const before = changes.length;
        this.#sweep(range, changes);
        return changes.length > before;
      });
    }
  }

  #sweep(range: KeyRange, changes: Change[]): KeyRange {
    for (const key of this.store.keys({ ...range, limit: SWEEP_KEYS })) changes.push([key, undefined]);
    return range;
  }
}

/** Identifies a log. */
interface Identity {
  readonly epoch: number;
  readonly id: string;
}

/** The identity of the log in a store; creates it if absent. Logs of earlier versions have only an epoch. */
async function identify(store: Store, now: () => number): Promise<Identity> {
  const [epochAt, idAt] = [nameKey('l', 'epoch'), nameKey('l', 'id')];
  let epoch = store.get(epochAt)?.readUInt32BE(0);
  let id = store.get(idAt)?.toString();
  if (epoch === undefined || id === undefined) {
    epoch ??= Math.floor(now() / 1000);
    id ??= randomUUID();
    const value = Buffer.alloc(4);
    value.writeUInt32BE(epoch);
    await store.commit(
      [
        [epochAt, value],
        [idAt, Buffer.from(id)],
      ],
      true,
    );
  }
  return { epoch, id };
}

/** The blocks of a stream before the one at `first`. */
function blocks(id: number, first: number): KeyRange {
  return { from: blockKey(id, 0), to: blockKey(id, first) };
}

function checkName(name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes < 1 || bytes > MAX_NAME_BYTES) {
    throw new LogError('invalid_stream', `a name has 1 to ${MAX_NAME_BYTES} bytes, not ${bytes}`);
  }
}
