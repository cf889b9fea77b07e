import { BlockBuilder } from './block.js';
import type { GroupParticipant } from './commit-queue.js';
import { decodeGroup } from './group-rows.js';
import {
  after,
  blockKey,
  type GroupNumber,
  groupInRemovedKey,
  idIn,
  idKey,
  nameIn,
  nameKey,
} from './keys.js';
import type { Part } from './log.js';
import type { Change, Store } from './store.js';
import { decodeRecord, encodeRecord, liveBytes, type StreamRecord } from './stream-record.js';

const MAX_CACHED = 10_000;
const NEXT_ID = nameKey('l', 'next');

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A stream as of the last commit, and as of the commit that is being prepared. */
class Slot {
  readonly name: string;
  committed: StreamRecord | undefined;
  next: Mutable<StreamRecord> | undefined;
  block: BlockBuilder | undefined;
  /** Last offset of a removed stream of this name. */
  formerLast: number;

  constructor(name: string, committed: StreamRecord | undefined, formerLast: number) {
    this.name = name;
    this.committed = committed;
    this.next = committed && { ...committed };
    this.formerLast = formerLast;
  }
}

/**
 * The streams and their bounds. Readers see (`peek`) only committed state. Changes of the commit being prepared are
 * kept separately and dropped if it fails, so that a failed append leaves no gap.
 */
export class StreamTable implements GroupParticipant {
  readonly #store: Store;
  readonly #onDurable: (stream: string) => void;
  readonly #slots = new Map<string, Slot>();
  readonly #dirty = new Set<Slot>();
  #nextId = 1;
  #bytes = 0;
  /** Live bytes per owner. */
  readonly #byOwner = new Map<string, number>();

  /** @param onDurable called for each stream that a commit has changed */
  constructor(store: Store, onDurable: (stream: string) => void) {
    this.#store = store;
    this.#onDurable = onDurable;
    for (const { value } of store.range({ from: Buffer.from('s'), to: Buffer.from('t') })) {
      const record = decodeRecord(value);
      this.#count(record, liveBytes(record));
      this.#nextId = Math.max(this.#nextId, record.id + 1);
    }
    for (const id of this.removedIds()) this.#nextId = Math.max(this.#nextId, id + 1);
    for (const { value } of store.range({ from: Buffer.from('g'), to: Buffer.from('h') })) {
      this.#nextId = Math.max(this.#nextId, decodeGroup(value).group + 1);
    }
    this.#nextId = Math.max(this.#nextId, store.get(NEXT_ID)?.readUInt32BE(0) ?? 0);
  }

  /** A number that no stream or group has ever had. */
  newId(): number {
    return this.#nextId++;
  }

  /**
   * Called while preparing the removal of a stream or group: persists the counter, so that its number is not reused
   * after a restart.
   */
  keepIds(changes: Change[]): void {
    const next = Buffer.allocUnsafe(4);
    next.writeUInt32BE(this.#nextId, 0);
    changes.push([NEXT_ID, next]);
  }

  /** Live bytes of all streams. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Live bytes of the streams of one owner. */
  bytesOf(owner: string): number {
    return this.#byOwner.get(owner) ?? 0;
  }

  /** The stream as of the last durable commit. */
  peek(name: string): StreamRecord | undefined {
    const slot = this.#slots.get(name);
    if (slot !== undefined) return slot.committed;
    const value = this.#store.get(nameKey('s', name));
    return value && decodeRecord(value);
  }

  /** The last offset ever assigned under this name, even if the stream was removed. */
  lastEver(name: string): number {
    return this.peek(name)?.last ?? this.#slots.get(name)?.formerLast ?? this.#formerLast(name);
  }

  /**
   * Names of streams that start with `prefix`, in order.
   * @param past only names after this one; default all
   * @param limit maximum number of names
   */
  *names(prefix: string, past: string | undefined, limit: number): Iterable<string> {
    const first = nameKey('s', prefix);
    // The smallest key that is greater than the name's.
    const from = past === undefined ? first : Buffer.concat([nameKey('s', past), Buffer.alloc(1)]);
    for (const key of this.#store.keys({ from, to: after(first), limit })) yield nameIn(key);
  }

  /** Ids of removed streams whose rows may not be deleted yet. */
  *removedIds(): Iterable<number> {
    for (const key of this.#store.keys({ from: Buffer.from('x'), to: Buffer.from('y') })) yield idIn(key);
  }

  /** Removed groups whose rows may not be deleted yet. */
  *removedGroups(): Iterable<GroupNumber> {
    for (const key of this.#store.keys({ from: Buffer.from('y'), to: Buffer.from('z') }))
      yield groupInRemovedKey(key);
  }

  /** Called while preparing: the stream's record; creates it if absent. */
  open(name: string, changes: Change[]): StreamRecord {
    return this.#opened(this.#slot(name), changes);
  }

  /** Called while preparing: the stream's record including this commit's changes. */
  pending(name: string): StreamRecord | undefined {
    return this.#slot(name).next;
  }

  /** Called while preparing: appends entries; returns the offset of the first. */
  append({ stream: name, entries, owner }: Part, changes: Change[]): number {
    const slot = this.#slot(name);
    const next = this.#opened(slot, changes);
    if (owner !== undefined) next.owner = owner;
    const first = next.last + 1;
    for (const entry of entries) {
      if (slot.block?.full) flush(slot, next.id, changes);
      slot.block ??= new BlockBuilder(next.last + 1, next.end);
      slot.block.add(entry);
      next.last += 1;
      next.end += entry.byteLength;
    }
    this.#dirty.add(slot);
    return first;
  }

  /** Called while preparing: trims the stream to start at `first`; `position` is the number of bytes appended before it. */
  startAt(name: string, first: number, position: number): void {
    const slot = this.#slot(name);
    if (slot.next === undefined) return;
    slot.next.first = first;
    slot.next.start = position;
    this.#dirty.add(slot);
  }

  /**
   * Called while preparing: removes the stream; returns its id, whose rows must be deleted, or undefined if there is
   * none.
   * @param forget also forget the last offset of the name
   */
  remove(name: string, forget: boolean, changes: Change[]): number | undefined {
    const slot = this.#slot(name);
    const { next } = slot;
    if (next === undefined && !(forget && slot.formerLast > 0)) return undefined;
    const last = forget ? 0 : (next?.last ?? 0);
    changes.push([nameKey('d', name), forget ? undefined : encodeLast(last)]);
    slot.formerLast = last;
    this.#dirty.add(slot);
    if (next === undefined) return undefined;
    changes.push([nameKey('s', name), undefined], [idKey('x', next.id), Buffer.alloc(0)]);
    this.keepIds(changes);
    slot.next = undefined;
    slot.block = undefined;
    return next.id;
  }

  prepare(changes: Change[]): void {
    for (const slot of this.#dirty) {
      if (slot.next === undefined) continue;
      flush(slot, slot.next.id, changes);
      changes.push([nameKey('s', slot.name), encodeRecord(slot.next)]);
    }
  }

  done(): void {
    const changed = [...this.#dirty];
    this.#dirty.clear();
    for (const slot of changed) {
      this.#count(slot.committed, -liveBytes(slot.committed));
      this.#count(slot.next, liveBytes(slot.next));
      slot.committed = slot.next && { ...slot.next };
    }
    for (const name of this.#slots.keys()) {
      if (this.#slots.size <= MAX_CACHED) break;
      this.#slots.delete(name);
    }
    for (const slot of changed) this.#onDurable(slot.name);
  }

  undo(): void {
    for (const slot of this.#dirty) this.#slots.delete(slot.name);
    this.#dirty.clear();
  }

  #count(record: StreamRecord | undefined, change: number): void {
    this.#bytes += change;
    if (record === undefined || record.owner === '') return;
    const bytes = this.bytesOf(record.owner) + change;
    if (bytes > 0) this.#byOwner.set(record.owner, bytes);
    else this.#byOwner.delete(record.owner);
  }

  #opened(slot: Slot, changes: Change[]): Mutable<StreamRecord> {
    if (slot.next === undefined) {
      const last = slot.formerLast;
      slot.next = { id: this.newId(), first: last + 1, last, start: 0, end: 0, owner: '' };
      if (last > 0) changes.push([nameKey('d', slot.name), undefined]);
      this.#dirty.add(slot);
    }
    return slot.next;
  }

  #slot(name: string): Slot {
    let slot = this.#slots.get(name);
    if (slot === undefined) {
      const committed = this.peek(name);
      slot = new Slot(name, committed, committed === undefined ? this.#formerLast(name) : 0);
      this.#slots.set(name, slot);
    }
    return slot;
  }

  #formerLast(name: string): number {
    return this.#store.get(nameKey('d', name))?.readDoubleLE(0) ?? 0;
  }
}

function encodeLast(offset: number): Buffer {
  const last = Buffer.allocUnsafe(8);
  last.writeDoubleLE(offset, 0);
  return last;
}

function flush(slot: Slot, id: number, changes: Change[]): void {
  if (slot.block === undefined) return;
  changes.push([blockKey(id, slot.block.first), slot.block.build()]);
  slot.block = undefined;
}
