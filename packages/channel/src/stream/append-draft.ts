import type { Part } from '@weir/log';
import type { PreparedAppend } from './append-queue.js';
import { encodeEntry } from './entry-codec.js';
import { offsetAt } from './lineage.js';
import type { LiveState, LiveStream, Surroundings } from './live-stream.js';
import { isAhead, isDuplicate, type Producer, type ProducerTable } from './producers.js';
import { StreamError } from './stream-error.js';
import { dataStream } from './stream-name.js';
import { forgetFormer, recordPart } from './stream-record.js';
import type { AppendOutcome } from './stream-source.js';

/** Number of appends after which the record stores the places of the writers again. */
const RECORD_ENTRIES = 256;
const RECORD_BYTES = 4 * 1024 * 1024;
/**
 * How long a silent producer is retained when there are too many: 7 days, as the Durable Streams protocol recommends.
 */
const SILENT_MS = 7 * 24 * 3600 * 1000;

/** One commit of a stream while it is composed: the appends to store, and the places of the writers after it. */
export class AppendDraft {
  readonly #live: LiveStream;
  readonly #around: Surroundings;
  readonly #state: LiveState;
  readonly #now: number;
  readonly #entries: Uint8Array[] = [];
  #bytes: number;
  #seq: string;
  #isClosed: boolean;
  #producers: ProducerTable;

  private constructor(live: LiveStream, around: Surroundings, state: LiveState, bytes: number) {
    this.#live = live;
    this.#around = around;
    this.#state = state;
    this.#now = around.now();
    this.#bytes = bytes;
    this.#seq = state.seq;
    this.#isClosed = state.record.closed;
    this.#producers = state.producers;
  }

  /** @throws StreamError `stream_not_found`, `stream_deleted` */
  static async of(live: LiveStream, around: Surroundings): Promise<AppendDraft> {
    const { bytes } = await around.log.stats(dataStream(live.key));
    return new AppendDraft(live, around, live.present(), bytes);
  }

  /**
   * Admits an append, or detects a duplicate.
   * @throws StreamError why it cannot be stored
   */
  admit(append: PreparedAppend): AppendOutcome {
    const { producer, seq, close } = append;
    this.#live.present(append.generation);
    if (producer !== null && this.#isKnown(producer)) return this.#outcome(append, true);
    if (this.#isClosed) {
      if (append.payload.byteLength === 0 && producer === null) return this.#outcome(append, true);
      const offset = offsetAt(this.#state.record, this.#last);
      throw new StreamError('stream_closed', 'the stream is closed', {
        headers: { 'stream-closed': 'true', 'stream-next-offset': offset },
      });
    }
    if (seq !== null && this.#seq !== '' && seq <= this.#seq) {
      throw new StreamError('sequence_conflict', `Stream-Seq ${JSON.stringify(this.#seq)} is stored already`);
    }
    if (producer !== null) this.#checkRoom(producer);
    if (append.payload.byteLength > 0) this.#add(append);
    if (producer !== null) this.#advance(producer);
    if (seq !== null) this.#seq = seq;
    this.#isClosed = close;
    return this.#outcome(append, false);
  }

  /** Stores the admitted appends; resolves when they are durable. */
  async store(): Promise<void> {
    const { log } = this.#around;
    const { key } = this.#live;
    const { record: former, unrecorded } = this.#state;
    const isClosing = this.#isClosed && !former.closed;
    if (this.#entries.length === 0 && !isClosing) return;
    const state = { last: this.#last, seq: this.#seq, producers: this.#producers };
    const entries = unrecorded.entries + this.#entries.length;
    const bytes = unrecorded.bytes + this.#entries.reduce((sum, entry) => sum + entry.byteLength, 0);
    const isDue = isClosing || entries >= RECORD_ENTRIES || bytes >= RECORD_BYTES;
    const current = { ...former, closed: this.#isClosed };
    const record = isDue ? this.#live.recordOf(current, state, this.#now) : former;
    const parts: Part[] = [];
    if (this.#entries.length > 0)
      parts.push({ stream: dataStream(key), entries: this.#entries, owner: key.project });
    if (isDue) parts.push(recordPart(key, record));
    // A commit that only closes the stream may use the reserve of a full log.
    await log.appendAll(parts, { reserve: this.#entries.length === 0 });
    const left = isDue ? { entries: 0, bytes: 0 } : { entries, bytes };
    this.#live.become({ ...state, record, unrecorded: left, touchedAt: this.#now });
    if (isDue) forgetFormer(log, key);
  }

  /** On a closed stream, only stored appends succeed, as duplicates; new ones are refused as `stream_closed`. */
  #isKnown(producer: Producer): boolean {
    const place = this.#producers.get(producer.id);
    if (this.#isClosed && (place === undefined || isAhead(producer, place))) return false;
    return isDuplicate(place, producer);
  }

  #add({ payload, messages, producer, seq }: PreparedAppend): void {
    const entry = encodeEntry({ at: this.#now, messages, producer, seq: seq ?? '', payload });
    const limit = this.#around.limits.bytes;
    if (this.#bytes + entry.byteLength > limit) {
      throw new StreamError('stream_full', `a stream holds at most ${limit} bytes`, { limit });
    }
    this.#bytes += entry.byteLength;
    this.#entries.push(entry);
  }

  #checkRoom({ id }: Producer): void {
    const limit = this.#around.limits.producers;
    if (this.#producers.get(id) !== undefined || this.#producers.size < limit) return;
    this.#producers = this.#producers.copy();
    this.#producers.forget(limit - 1, this.#now - SILENT_MS);
    if (this.#producers.size < limit) return;
    throw new StreamError('too_many_producers', `a stream retains at most ${limit} producers`, { limit });
  }

  #advance({ id, epoch, seq }: Producer): void {
    if (this.#producers === this.#state.producers) this.#producers = this.#producers.copy();
    this.#producers.set(id, { epoch, seq, at: this.#now });
  }

  #outcome({ producer, payload, messages }: PreparedAppend, isDuplicate: boolean): AppendOutcome {
    const place = producer === null ? undefined : this.#producers.get(producer.id);
    return {
      offset: offsetAt(this.#state.record, this.#last),
      isClosed: this.#isClosed,
      isDuplicate,
      messages,
      bytes: payload.byteLength,
      producer: place === undefined ? null : { epoch: place.epoch, seq: place.seq },
    };
  }

  get #last(): number {
    return this.#state.last + this.#entries.length;
  }
}
