import type { CommitQueue } from './commit-queue.js';
import { idKey } from './keys.js';
import type { Cursor } from './log.js';
import type { Store } from './store.js';
import type { StreamTable } from './stream-table.js';

/** A persisted cursor: one row, written in the same commit as other changes. */
export class StoredCursor implements Cursor {
  readonly #store: Store;
  readonly #queue: CommitQueue;
  readonly #table: StreamTable;
  readonly #stream: string;
  readonly #reader: string;

  constructor(store: Store, queue: CommitQueue, table: StreamTable, stream: string, reader: string) {
    this.#store = store;
    this.#queue = queue;
    this.#table = table;
    this.#stream = stream;
    this.#reader = reader;
  }

  async get(): Promise<{ offset: number; state: Uint8Array } | undefined> {
    const stream = this.#table.peek(this.#stream);
    const value = stream && this.#store.get(idKey('c', stream.id, this.#reader));
    return value && { offset: value.readDoubleLE(0), state: value.subarray(8) };
  }

  async commit(offset: number, state?: Uint8Array): Promise<void> {
    const value = Buffer.alloc(8 + (state?.byteLength ?? 0));
    value.writeDoubleLE(offset, 0);
    if (state !== undefined) value.set(state, 8);
    await this.#queue.run(true, (changes) => {
      const { id } = this.#table.open(this.#stream, changes);
      changes.push([idKey('c', id, this.#reader), value]);
    });
  }
}
