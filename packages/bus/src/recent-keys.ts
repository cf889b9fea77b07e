const CAPACITY = 10_000;

/** The latest keys of what is done with: the oldest is forgotten for a new one. */
export class RecentKeys {
  readonly #keys = new Set<string>();
  readonly #capacity: number;

  constructor(capacity = CAPACITY) {
    this.#capacity = capacity;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): void {
    this.#keys.delete(key);
    this.#keys.add(key);
    const [oldest] = this.#keys;
    if (this.#keys.size > this.#capacity && oldest !== undefined) this.#keys.delete(oldest);
  }
}
