import { deliveryKey } from '@weir/event/source';
import type { Moment } from '../moment.js';

/** One event that is out with a member. */
export interface Lent {
  /** Of its latest try. */
  id: string;
  readonly bytes: number;
  /** Its member handles it now; else it waits there, and may be taken back without a try. */
  isBegun: boolean;
  /** Another member may have a later try: its lease is not extended. */
  isLost: boolean;
  /** When its lease began, at the latest; undefined when that is not known. */
  leasedAt: Moment | undefined;
}

/** What is out with one member, by the entry: ids of all tries name the same event. */
export class LentEvents {
  readonly #lent = new Map<string, Lent>();
  #bytes = 0;

  get size(): number {
    return this.#lent.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get all(): readonly Lent[] {
    return [...this.#lent.values()];
  }

  get(id: string): Lent | undefined {
    return this.#lent.get(deliveryKey(id));
  }

  add(lent: Lent): void {
    this.delete(lent.id);
    this.#lent.set(deliveryKey(lent.id), lent);
    this.#bytes += lent.bytes;
  }

  delete(id: string): Lent | undefined {
    const lent = this.get(id);
    if (lent === undefined) return undefined;
    this.#lent.delete(deliveryKey(id));
    this.#bytes -= lent.bytes;
    return lent;
  }
}
