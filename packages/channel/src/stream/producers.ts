/** How far the producers of a stream are, by which what is sent again is told from what is new. */
import { producerFenced, producerGap, StreamError } from './stream-error.js';

/** Who sent a batch, and which one. */
export interface Producer {
  /** At most 256 bytes. */
  readonly id: string;
  /** Counts the producer's sessions, from 0. */
  readonly epoch: number;
  /** Counts the batches of a session, from 0. */
  readonly seq: number;
}

/** How far one producer is. */
export interface ProducerPlace {
  readonly epoch: number;
  readonly seq: number;
  /** When it was last heard of, unix milliseconds. */
  readonly at: number;
}

/** Places by producer, the one that was silent longest first. */
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

  /** Forgets producers that were silent since `before`, while there are more than `count`. */
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
 * Whether a batch is stored already.
 * @throws StreamError `producer_fenced`, `producer_gap`, `invalid_producer`: it can be neither
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
  throw new StreamError('invalid_producer', `epoch ${epoch} of producer ${name} has to start with 0`, {
    hint: 'start each epoch with Producer-Seq: 0',
  });
}

/** Whether a batch is later than all that are known of its producer. */
export function isAhead({ epoch, seq }: Producer, place: ProducerPlace): boolean {
  return epoch > place.epoch || (epoch === place.epoch && seq > place.seq);
}
