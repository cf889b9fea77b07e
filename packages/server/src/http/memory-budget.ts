/** Memory shared by requests: limited in total and for each owner, so that no owner takes all of it. */

/** Limits of a {@link MemoryBudget}. */
export interface MemoryLimits {
  /** Bytes of all owners. */
  readonly maxBytes: number;
  /** Bytes of one owner. */
  readonly maxBytesEach: number;
  /** Creates the error if all memory is used up. */
  readonly full: () => Error;
  /** Creates the error if an owner has used up its part. */
  readonly ownerFull: (limit: number) => Error;
  /**
   * Frees memory when it runs out, and returns whether it freed any. Called again while more is needed. Default: frees
   * none.
   * @param owner whose part is used up; undefined if the total is
   */
  readonly relieve?: (owner?: string) => boolean;
}

/** Counts bytes, in total and by owner. Memory is charged before it is used. */
export class MemoryBudget {
  readonly #limits: MemoryLimits;
  readonly #byOwner = new Map<string, number>();
  #taken = 0;

  constructor(limits: MemoryLimits) {
    this.#limits = limits;
  }

  /** Bytes in use. */
  get bytes(): number {
    return this.#taken;
  }

  /**
   * The share of one request. Its `release` must be called.
   * @param owner such as a project; an address if no credential is known
   */
  share(owner: string): MemoryShare {
    return new MemoryShare(this, owner, (bytes) => this.#take(owner, bytes));
  }

  #take(owner: string, bytes: number): void {
    const { maxBytes, maxBytesEach, full, ownerFull, relieve } = this.#limits;
    const own = (): number => (this.#byOwner.get(owner) ?? 0) + bytes;
    if (bytes > 0) {
      while (own() > maxBytesEach) if (relieve?.(owner) !== true) throw ownerFull(maxBytesEach);
      while (this.#taken + bytes > maxBytes) if (relieve?.() !== true) throw full();
    }
    this.#taken += bytes;
    const total = own();
    if (total > 0) this.#byOwner.set(owner, total);
    else this.#byOwner.delete(owner);
  }
}

/** The part of one request. */
export class MemoryShare {
  readonly budget: MemoryBudget;
  readonly owner: string;
  readonly #take: (bytes: number) => void;
  #held = 0;
  #isReleased = false;

  constructor(budget: MemoryBudget, owner: string, take: (bytes: number) => void) {
    this.budget = budget;
    this.owner = owner;
    this.#take = take;
  }

  /**
   * Charges more, or releases with a negative number. No effect after {@link release}. @throws the errors of the budget
   */
  take(bytes: number): void {
    if (this.#isReleased) return;
    this.#take(bytes);
    // To find room, the budget may have ended this very request.
    if (this.#isReleased) this.#take(-bytes);
    else this.#held += bytes;
  }

  /** Releases everything; more can be charged afterwards. */
  clear(): void {
    this.#take(-this.#held);
    this.#held = 0;
  }

  /** Releases everything, finally. Idempotent. */
  release(): void {
    this.clear();
    this.#isReleased = true;
  }
}
