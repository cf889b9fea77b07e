import { uuidv7 } from 'uuidv7';
import { ID_BYTES } from './dedup/event-key.js';
import { ENTRY_BYTES, encodeEntry } from './entry.js';
import { RowWriter, uuidBytes } from './rows.js';
import type { ValidEvent } from './validate.js';

/** Bytes before the first row of an entry, besides those of each event (see entry.ts). */
const ENTRY_HEADER_BYTES = 48;
/** Bytes of each event in an entry's header: the end of its row, and its key. */
const EVENT_HEADER_BYTES = 4 + ID_BYTES;
/** Bytes of a row without its texts: 48 before them, and three null markers (see rows.ts). */
const ROW_BYTES = 51;
/** Length of the UUID that an event without an id gets. */
const GIVEN_ID_BYTES = 36;

/** Bytes of the entries that {@link EntryWriter.write} creates if all these events are new. */
export function entryBytesOf(events: readonly ValidEvent[]): number {
  let bytes = 0;
  let rows = ENTRY_BYTES;
  for (const event of events) {
    if (rows >= ENTRY_BYTES) {
      bytes += ENTRY_HEADER_BYTES;
      rows = 0;
    }
    const row = rowBytesOf(event);
    rows += row;
    bytes += row + EVENT_HEADER_BYTES;
  }
  return bytes;
}

/** Encodes accepted events as log entries. Reuses a buffer between calls. */
export class EntryWriter {
  readonly #epoch: number;
  readonly #rows = new RowWriter();

  /** @param epoch of the log */
  constructor(epoch: number) {
    this.#epoch = epoch;
  }

  /**
   * Encodes the events with these `indexes`, in order.
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

function rowBytesOf(event: ValidEvent): number {
  return (
    ROW_BYTES +
    textBytes(event.event) +
    (event.event_id === null ? 1 + GIVEN_ID_BYTES : textBytes(event.event_id)) +
    nullableBytes(event.anonymous_id) +
    nullableBytes(event.user_id) +
    nullableBytes(event.session_id) +
    textBytes(event.properties) +
    textBytes(event.extras)
  );
}

function nullableBytes(text: string | null): number {
  return text === null ? 0 : textBytes(text);
}

/** UTF-8 bytes of a text including its varint length. */
function textBytes(text: string): number {
  const bytes = Buffer.byteLength(text);
  if (bytes < 2 ** 7) return 1 + bytes;
  if (bytes < 2 ** 14) return 2 + bytes;
  return bytes < 2 ** 21 ? 3 + bytes : 4 + bytes;
}

function idsOf(keys: Uint32Array, indexes: readonly number[]): Uint8Array {
  const ids = new Uint8Array(indexes.length * ID_BYTES);
  const bytes = new Uint8Array(keys.buffer, keys.byteOffset, keys.byteLength);
  indexes.forEach((index, i) => {
    ids.set(bytes.subarray(index * ID_BYTES, (index + 1) * ID_BYTES), i * ID_BYTES);
  });
  return ids;
}
