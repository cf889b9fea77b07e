/**
 * A run: ids evicted from memory, written once to a stream of the log and removed as a whole.
 *
 * Its first entries are buckets of keys, grouped by their leading bits, about 256 keys in each; its Bloom filter
 * follows in pieces. A lookup checks the filter in memory, and reads a single bucket only after a positive answer.
 */
import type { Log } from '@weir/log';
import { BloomFilter } from './bloom-filter.js';
import { ID_BYTES } from './event-key.js';
import type { IdTable } from './id-table.js';

const KEYS_PER_BUCKET = 256;
const FILTER_PIECE_BYTES = 256 * 1024;
const ENTRIES_PER_APPEND = 128;
/** Slots processed before yielding to the event loop. */
const SLICE = 32 * 1024;

/** The position of a run in the log, and its coverage. Stored as JSON in the dedup reader's cursor. */
export interface RunDescription {
  readonly stream: string;
  readonly keys: number;
  /** Leading bits of a key that select its bucket. */
  readonly bucketBits: number;
  /** Log offset of bucket 0; the others follow it. */
  readonly firstOffset: number;
  /** Arrival of its ids: from `since` to `until`, epoch milliseconds. */
  readonly since: number;
  readonly until: number;
}

/** A run with its filter in memory. */
export class IdRun {
  readonly description: RunDescription;
  readonly #log: Log;
  readonly #filter: BloomFilter;

  private constructor(log: Log, description: RunDescription, filter: BloomFilter) {
    this.#log = log;
    this.description = description;
    this.#filter = filter;
  }

  /** Writes the keys of a table as a run; the table must not change meanwhile. */
  static async write(
    log: Log,
    table: IdTable,
    place: Pick<RunDescription, 'stream' | 'since' | 'until'>,
  ): Promise<IdRun> {
    const bucketBits = Math.max(0, Math.ceil(Math.log2(Math.max(table.size, 1) / KEYS_PER_BUCKET)));
    const { buckets, filter } = await sortIntoBuckets(table, bucketBits);
    const entries = [...buckets, ...piecesOf(filter.bytes)];
    let firstOffset = 0;
    for (let i = 0; i < entries.length; i += ENTRIES_PER_APPEND) {
      const part = entries.slice(i, i + ENTRIES_PER_APPEND);
      const { first } = await log.append(place.stream, part, { reserve: true });
      if (i === 0) firstOffset = first;
    }
    return new IdRun(log, { ...place, keys: table.size, bucketBits, firstOffset }, filter);
  }

  /** Opens a stored run. */
  static async open(log: Log, description: RunDescription): Promise<IdRun> {
    const after = description.firstOffset + 2 ** description.bucketBits - 1;
    const pieces = await log.read(description.stream, { after, maxBytes: Number.MAX_SAFE_INTEGER });
    return new IdRun(log, description, BloomFilter.of(Buffer.concat(pieces.map((piece) => piece.data))));
  }

  /** False: certainly not in this run. True: check with {@link has}. */
  mayHave(keys: Uint32Array, index: number): boolean {
    return this.#filter.mayHave(keys, index);
  }

  /** Whether key `index` of `keys` is in this run. */
  async has(keys: Uint32Array, index: number): Promise<boolean> {
    const offset = this.description.firstOffset + bucketOf(keys[index * 4] ?? 0, this.description.bucketBits);
    const [entry] = await this.#log.read(this.description.stream, { after: offset - 1, limit: 1 });
    if (entry === undefined) return false;
    const wanted = Buffer.from(keys.buffer, keys.byteOffset + index * ID_BYTES, ID_BYTES);
    const bucket = Buffer.from(entry.data.buffer, entry.data.byteOffset, entry.data.byteLength);
    for (let at = bucket.indexOf(wanted); at >= 0; at = bucket.indexOf(wanted, at + 1)) {
      if (at % ID_BYTES === 0) return true;
    }
    return false;
  }
}

function bucketOf(word: number, bits: number): number {
  return bits === 0 ? 0 : word >>> (32 - bits);
}

async function sortIntoBuckets(
  table: IdTable,
  bits: number,
): Promise<{ buckets: Uint8Array[]; filter: BloomFilter }> {
  const ends = new Uint32Array(2 ** bits + 1);
  await eachKey(table, (words) => {
    const bucket = bucketOf(words[0] ?? 0, bits);
    ends[bucket + 1] = (ends[bucket + 1] ?? 0) + 1;
  });
  for (let i = 1; i < ends.length; i += 1) ends[i] = (ends[i] ?? 0) + (ends[i - 1] ?? 0);
  const next = ends.slice(0, -1);
  const sorted = new Uint32Array(table.size * 4);
  const filter = BloomFilter.for(table.size);
  await eachKey(table, (words) => {
    const bucket = bucketOf(words[0] ?? 0, bits);
    const at = next[bucket] ?? 0;
    next[bucket] = at + 1;
    sorted.set(words, at * 4);
    filter.add(sorted, at);
  });
  const bytes = new Uint8Array(sorted.buffer);
  const buckets: Uint8Array[] = [];
  for (let i = 0; i + 1 < ends.length; i += 1) {
    buckets.push(bytes.subarray((ends[i] ?? 0) * ID_BYTES, (ends[i + 1] ?? 0) * ID_BYTES));
  }
  return { buckets, filter };
}

/** Visits every key and yields to the event loop, because a table of a million would block requests. */
async function eachKey(table: IdTable, visit: (words: Uint32Array) => void): Promise<void> {
  for (let slot = 0; slot < table.capacity; slot += 1) {
    const words = table.wordsAt(slot);
    if (words !== null) visit(words);
    if (slot % SLICE === SLICE - 1) await new Promise(setImmediate);
  }
}

function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += FILTER_PIECE_BYTES)
    pieces.push(bytes.subarray(at, at + FILTER_PIECE_BYTES));
  return pieces;
}
