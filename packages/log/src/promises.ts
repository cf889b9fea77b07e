/** Maximum number of promises; the oldest are dropped. A promise only affects the order of delivery. */
const MAX = 1_000;

/**
 * An entry on its last attempt is delivered only to a member without other entries. If all members are busy, one of
 * them is promised the entry: it finishes its entries and gets no new ones, while the others continue.
 */
export class Promises {
  readonly #members = new Map<number, { readonly member: string; readonly until: number }>();

  /** Promises the entry to this member; returns false if it is promised to another member and that promise has not expired. */
  take(offset: number, member: string, now: number, ms: number): boolean {
    const known = this.#members.get(offset);
    if (known !== undefined && known.member !== member && known.until > now) return false;
    this.#members.delete(offset);
    this.#members.set(offset, { member, until: now + ms });
    const [oldest] = this.#members.keys();
    if (this.#members.size > MAX && oldest !== undefined) this.#members.delete(oldest);
    return true;
  }

  /** The entry was delivered or removed. */
  end(offset: number): void {
    this.#members.delete(offset);
  }
}
