/** The places of the producers of a stream, used to tell duplicates from new batches. */
import { producerFenced, producerGap, StreamError } from './stream-error.js';

/** The producer of a batch, and the number of the batch. */
export interface Producer {
  /** At most 256 bytes. */
  readonly id: string;
  /** Number of the producer's session, from 0. */
  readonly epoch: number;
  /** Number of the batch in its session, from 0. */
  readonly seq: number;
}

/** The place of one producer. */
export interface ProducerPlace {
  readonly epoch: number;
  readonly seq: number;
  /** Time of its last batch, unix milliseconds. */
  readonly at: number;
}

/** Places by producer, longest silent first. */
export class ProducerTable {
  readonly #places: Map<string, ProducerPlace>;

  constructor(places: Iterable<readonly [string, ProducerPlace]> = []) {
    this.#places = new Map(places);
  }

  get size(): number {
    return this.#places.size;
  }

  get(id: string): ProducerPlace | undefined {
    return this.#places.get(id);
  }

  set(id: string, place: ProducerPlace): void {
    this.#places.delete(id);
    this.#places.set(id, place);
  }

  copy(): ProducerTable {
    return new ProducerTable(this.#places);
  }

  /** Evicts producers that have been silent since `before`, while there are more than `count`. */
  forget(count: number, before: number): void {
    for (const [id, { at }] of this.#places) {
      if (this.#places.size <= count || at >= before) return;
      this.#places.delete(id);
    }
  }

  entries(): [string, ProducerPlace][] {
    return [...this.#places];
  }
}

/**
 * Whether a batch is already stored.
 * @throws StreamError `producer_fenced`, `producer_gap`, `invalid_producer` if it is neither a duplicate nor the next
 *   batch
 */
export function isDuplicate(place: ProducerPlace | undefined, { id, epoch, seq }: Producer): boolean {
  const name = JSON.stringify(id);
  if (place === undefined || epoch === place.epoch) {
    const expectedSeq = place === undefined ? 0 : place.seq + 1;
    if (seq <= expectedSeq) return seq < expectedSeq;
    throw producerGap(`producer ${name}`, expectedSeq, seq);
  }
  if (epoch < place.epoch) {
    throw producerFenced(`producer ${name}`, place.epoch);
  }
  if (seq === 0) return false;
  throw new StreamError('invalid_producer', `epoch ${epoch} of producer ${name} must start with 0`, {
    hint: 'start each epoch with Producer-Seq: 0',
  });
}

/** Whether a batch is later than all known batches of its producer. */
export function isAhead({ epoch, seq }: Producer, place: ProducerPlace): boolean {
  return epoch > place.epoch || (epoch === place.epoch && seq > place.seq);
}
