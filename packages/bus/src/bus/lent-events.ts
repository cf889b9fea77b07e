import { deliveryKey } from '@weir/event/source';
import type { Moment } from '../moment.js';

/** One unacknowledged event of a member. */
export interface Lent {
  /** Delivery id of the latest attempt. */
  id: string;
  readonly bytes: number;
  /** True if the member is handling the event; otherwise the event can be released without counting an attempt. */
  isBegun: boolean;
  /** Another member may have a later attempt: do not extend the lease. */
  isLost: boolean;
  /** The latest time at which the lease can have begun; undefined if it is unknown. */
  leasedAt: Moment | undefined;
}

/** The unacknowledged events of one member, keyed by event: the ids of all attempts map to the same entry. */
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
