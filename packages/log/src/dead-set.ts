import { type Dead, decodeDead, encodeDead } from './group-rows.js';
import { entryKey, entryKeys, offsetInEntryKey } from './keys.js';
import type { DeadEntry } from './log.js';
import { LogError } from './log-error.js';
import type { Change, Store } from './store.js';

/** Maximum bytes of a group's dead entries; beyond it the oldest are evicted. */
const MAX_BYTES = 16 * 1024 * 1024;
const PAGE = 100;
const PAGE_BYTES = 4 * 1024 * 1024;
/** Maximum number of entries evicted in one commit. */
const REMOVALS = 1_000;
const ID = /^(\d{1,16})-(\d{1,16})$/;

/** In-memory index data of a dead entry. */
interface Known {
  readonly offset: number;
  readonly diedAt: number;
  readonly bytes: number;
}

/** The dead entries of one group: rows in the store; all but the data is mirrored in memory, in order of death. */
export class DeadSet {
  readonly #store: Store;
  readonly #stream: number;
  readonly #group: number;
  /** By id, oldest death first. */
  readonly #known: Map<string, Known>;
  #bytes = 0;

  private constructor(store: Store, stream: number, group: number, known: readonly Known[]) {
    this.#store = store;
    this.#stream = stream;
    this.#group = group;
    this.#known = new Map(known.map((one) => [idOf(one), one]));
    for (const { bytes } of known) this.#bytes += bytes;
  }

  static load(store: Store, stream: number, group: number): DeadSet {
    const known: Known[] = [];
    for (const { key, value } of store.range(entryKeys('f', stream, group)))
      known.push({
        offset: offsetInEntryKey(key),
        diedAt: decodeDead(value).diedAt,
        bytes: value.byteLength,
      });
    return new DeadSet(store, stream, group, known.sort(inOrder));
  }

  get size(): number {
    return this.#known.size;
  }

  /** All ids, oldest death first. */
  get ids(): readonly string[] {
    return [...this.#known.keys()];
  }

  add(offset: number, dead: Dead, changes: Change[]): void {
    const value = encodeDead(dead);
    changes.push([entryKey('f', this.#stream, this.#group, offset), value]);
    const known = { offset, diedAt: dead.diedAt, bytes: value.byteLength };
    this.#known.set(idOf(known), known);
    this.#bytes += known.bytes;
    for (const id of this.#known.keys()) {
      if (this.#bytes <= MAX_BYTES || this.#known.size === 1) break;
      this.remove(id, changes);
    }
  }

  /** A dead entry with its data; undefined if there is none with this id whose death is durable. */
  read(id: string): (Dead & { readonly offset: number }) | undefined {
    const known = this.#known.get(id);
    if (known === undefined) return undefined;
    const value = this.#store.get(entryKey('f', this.#stream, this.#group, known.offset));
    return value && { ...decodeDead(value), offset: known.offset };
  }

  /**
   * Dead entries after the given id, oldest death first; the entry of the id itself need not exist any more.
   * @throws LogError `invalid_request` if the id is malformed
   */
  list(o: { readonly after?: string; readonly limit?: number }, since: number): DeadEntry[] {
    const after = o.after === undefined ? undefined : placeOf(o.after);
    const entries: DeadEntry[] = [];
    let bytes = 0;
    for (const [id, known] of this.#known) {
      if (known.diedAt < since || (after !== undefined && inOrder(known, after) <= 0)) continue;
      const dead = this.read(id);
      if (dead === undefined) continue;
      bytes += known.bytes;
      if (entries.length > 0 && bytes > PAGE_BYTES) break;
      const { offset, attempts, diedAt, data } = dead;
      entries.push({ id, offset, attempts, diedAt, data });
      if (entries.length >= (o.limit ?? PAGE)) break;
    }
    return entries;
  }

  remove(id: string, changes: Change[]): boolean {
    const known = this.#known.get(id);
    if (known === undefined) return false;
    changes.push([entryKey('f', this.#stream, this.#group, known.offset), undefined]);
    this.#known.delete(id);
    this.#bytes -= known.bytes;
    return true;
  }

  /** Evicts entries that died before a time, at most {@link REMOVALS} per call; it is called repeatedly. */
  removeBefore(time: number, changes: Change[]): void {
    let left = REMOVALS;
    for (const [id, { diedAt }] of this.#known) {
      if (diedAt >= time || left === 0) break;
      this.remove(id, changes);
      left -= 1;
    }
  }
}

function idOf({ diedAt, offset }: Pick<Known, 'diedAt' | 'offset'>): string {
  return `${diedAt}-${offset}`;
}

function placeOf(id: string): Pick<Known, 'diedAt' | 'offset'> {
  const match = ID.exec(id);
  if (match === null)
    throw new LogError('invalid_request', `not the id of a dead entry: ${JSON.stringify(id.slice(0, 64))}`);
  return { diedAt: Number(match[1]), offset: Number(match[2]) };
}

function inOrder(a: Pick<Known, 'diedAt' | 'offset'>, b: Pick<Known, 'diedAt' | 'offset'>): number {
  return a.diedAt - b.diedAt || a.offset - b.offset;
}
