import { uuidv7 } from 'uuidv7';
import { ID_BYTES } from './dedup/event-key.js';
import { ENTRY_BYTES, encodeEntry } from './entry.js';
import { RowWriter, uuidBytes } from './rows.js';
import type { ValidEvent } from './validate.js';

/** Lays accepted events out as log entries. Keeps a buffer between calls. */
export class EntryWriter {
  readonly #epoch: number;
  readonly #rows = new RowWriter();

  /** @param epoch of the log the entries go to */
  constructor(epoch: number) {
    this.#epoch = epoch;
  }

  /**
   * Entries of the events named by `indexes`, in that order.
   * @param keys the event's keys, four words each, all zeros for one without an id
   */
  write(
    projectId: string,
    receivedAt: number,
    events: readonly ValidEvent[],
    keys: Uint32Array,
    indexes: readonly number[],
  ): Buffer[] {
    const project = uuidBytes(projectId);
    const entries: Buffer[] = [];
    let ends: number[] = [];
    let chosen: number[] = [];
    const close = (): void => {
      if (ends.length === 0) return;
      entries.push(
        encodeEntry({
          project,
          receivedAt,
          ends,
          ids: idsOf(keys, chosen),
          rows: this.#rows.take(),
        }),
      );
      ends = [];
      chosen = [];
    };
    for (const index of indexes) {
      const event = events[index];
      if (event === undefined) continue;
      if (this.#rows.length >= ENTRY_BYTES) close();
      const place = { epoch: this.#epoch, index: ends.length, project, receivedAt };
      this.#rows.write(event, event.event_id ?? uuidv7(), place);
      ends.push(this.#rows.length);
      chosen.push(index);
    }
    close();
    return entries;
  }
}

function idsOf(keys: Uint32Array, indexes: readonly number[]): Uint8Array {
  const ids = new Uint8Array(indexes.length * ID_BYTES);
  const bytes = new Uint8Array(keys.buffer, keys.byteOffset, keys.byteLength);
  indexes.forEach((index, i) => {
    ids.set(bytes.subarray(index * ID_BYTES, (index + 1) * ID_BYTES), i * ID_BYTES);
  });
  return ids;
}
