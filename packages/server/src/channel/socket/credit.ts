/** The bytes that a client still accepts from one channel. One frame may exceed the credit. */
export class Credit {
  #bytes: number;
  #wake: () => void = () => {};

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > 0) this.#wake();
  }

  spend(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Resolves when there is credit, or at {@link release}. */
  available(): Promise<void> {
    if (this.#bytes > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Resolves pending waits, because the reading has ended. */
  release(): void {
    this.#wake();
  }
}
