import { BufferFullError } from '@weir/ingest';

/**
 * Bounds the bytes of all bodies that are being read, unpacked and decoded at one time: each is bounded by itself, but
 * many clients may send at once, some before their token could be looked at.
 */
export class BodyBudget {
  readonly #maxBytes: number;
  #taken = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** A share for one request, to be given back when it is answered. */
  share(): BodyShare {
    return new BodyShare((bytes) => this.#take(bytes));
  }

  #take(bytes: number): void {
    if (this.#taken + bytes > this.#maxBytes) throw new BufferFullError();
    this.#taken += bytes;
  }
}

/** What one request has of a {@link BodyBudget}. */
export class BodyShare {
  readonly #take: (bytes: number) => void;
  #held = 0;

  constructor(take: (bytes: number) => void) {
    this.#take = take;
  }

  /** @throws BufferFullError where all bodies together would pass the budget */
  take(bytes: number): void {
    this.#take(bytes);
    this.#held += bytes;
  }

  /** Gives everything back. */
  release(): void {
    this.#take(-this.#held);
    this.#held = 0;
  }
}
