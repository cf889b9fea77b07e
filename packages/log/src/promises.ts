/** Promises beyond which the oldest are dropped: each belongs to an entry that is due, and is only an order of service. */
const MAX = 1_000;

/**
 * Entries on their last try are lent to a member that has nothing else. Where every member is busy, one of them is to
 * finish what it has and get nothing new until then, while the others go on.
 */
export class Promises {
  readonly #members = new Map<number, { readonly member: string; readonly until: number }>();

  /** Whether the entry is promised to this member: no other member waits for it, or that one may be gone. */
  take(offset: number, member: string, now: number, ms: number): boolean {
    const known = this.#members.get(offset);
    if (known !== undefined && known.member !== member && known.until > now) return false;
    this.#members.delete(offset);
    this.#members.set(offset, { member, until: now + ms });
    const [oldest] = this.#members.keys();
    if (this.#members.size > MAX && oldest !== undefined) this.#members.delete(oldest);
    return true;
  }

  /** The entry was lent, or is gone. */
  end(offset: number): void {
    this.#members.delete(offset);
  }
}
