import type { Change, KeyRange, Pair, Store } from './store.js';

const LEAF = 512;

interface Leaf {
  readonly keys: string[];
  readonly values: Buffer[];
}

/**
 * An ordered map in memory: sorted leaves of at most 512 keys. Keys are kept as latin1 strings, whose order is that
 * of their bytes.
 */
export class MemoryStore implements Store {
  readonly engine = 'memory';
  #leaves: Leaf[] = [{ keys: [], values: [] }];

  get(key: Buffer): Buffer | undefined {
    const k = key.toString('latin1');
    const leaf = this.#leaves[this.#leafOf(k)];
    if (leaf === undefined) return undefined;
    const i = lowerBound(leaf.keys, k);
    const value = leaf.keys[i] === k ? leaf.values[i] : undefined;
    return value && Buffer.from(value);
  }

  *range(o: KeyRange): Iterable<Pair> {
    for (const [key, value] of this.#walk(o)) {
      yield { key: Buffer.from(key, 'latin1'), value: Buffer.from(value) };
    }
  }

  *keys(o: KeyRange): Iterable<Buffer> {
    for (const [key] of this.#walk(o)) yield Buffer.from(key, 'latin1');
  }

  floor(key: Buffer, above: Buffer): Pair | undefined {
    const k = key.toString('latin1');
    let l = this.#leafOf(k);
    let leaf = this.#leaves[l];
    if (leaf === undefined) return undefined;
    let i = lowerBound(leaf.keys, k);
    if (leaf.keys[i] !== k) i--;
    if (i < 0) {
      leaf = this.#leaves[--l];
      if (leaf === undefined) return undefined;
      i = leaf.keys.length - 1;
    }
    const found = leaf.keys[i];
    const value = leaf.values[i];
    if (found === undefined || value === undefined || found <= above.toString('latin1')) return undefined;
    return { key: Buffer.from(found, 'latin1'), value: Buffer.from(value) };
  }

  async commit(changes: readonly Change[]): Promise<void> {
    for (const [key, value] of changes) {
      if (value === undefined) this.#remove(key.toString('latin1'));
      else this.#put(key.toString('latin1'), value);
    }
  }

  hasRoom(): boolean {
    return true;
  }

  readonly failure = undefined;

  async isFull(): Promise<boolean> {
    return false;
  }

  async close(): Promise<void> {
    this.#leaves = [{ keys: [], values: [] }];
  }

  *#walk(o: KeyRange): Iterable<readonly [string, Buffer]> {
    const from = o.from.toString('latin1');
    const to = o.to.toString('latin1');
    let left = o.limit ?? Infinity;
    let l = this.#leafOf(from);
    let i = lowerBound(this.#leaves[l]?.keys ?? [], from);
    for (let leaf = this.#leaves[l]; leaf !== undefined; leaf = this.#leaves[++l], i = 0) {
      for (; i < leaf.keys.length; i++) {
        const key = leaf.keys[i];
        const value = leaf.values[i];
        if (key === undefined || value === undefined || key >= to || left-- <= 0) return;
        yield [key, value];
      }
    }
  }

  #put(key: string, value: Buffer): void {
    const l = this.#leafOf(key);
    const leaf = this.#leaves[l];
    if (leaf === undefined) return;
    const i = lowerBound(leaf.keys, key);
    if (leaf.keys[i] === key) {
      leaf.values[i] = value;
      return;
    }
    leaf.keys.splice(i, 0, key);
    leaf.values.splice(i, 0, value);
    if (leaf.keys.length <= LEAF) return;
    // Most keys arrive in order, so split off only the newest key and keep full leaves.
    const at = i === leaf.keys.length - 1 ? LEAF : LEAF >> 1;
    this.#leaves.splice(l + 1, 0, { keys: leaf.keys.splice(at), values: leaf.values.splice(at) });
  }

  #remove(key: string): void {
    const l = this.#leafOf(key);
    const leaf = this.#leaves[l];
    if (leaf === undefined) return;
    const i = lowerBound(leaf.keys, key);
    if (leaf.keys[i] !== key) return;
    leaf.keys.splice(i, 1);
    leaf.values.splice(i, 1);
    if (leaf.keys.length === 0 && this.#leaves.length > 1) this.#leaves.splice(l, 1);
  }

  /** Index of the leaf that contains `key` or would contain it: the last one whose first key is ≤ `key`. */
  #leafOf(key: string): number {
    let low = 0;
    let high = this.#leaves.length - 1;
    while (low < high) {
      const mid = (low + high + 1) >> 1;
      const first = this.#leaves[mid]?.keys[0];
      if (first !== undefined && first <= key) low = mid;
      else high = mid - 1;
    }
    return low;
  }
}

/** Index of the first key ≥ `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    const at = keys[mid];
    if (at !== undefined && at < key) low = mid + 1;
    else high = mid;
  }
  return low;
}
