/** How many bytes a client still takes of one channel. One frame may pass it. */
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

  /** Resolves when there is some, or at {@link release}. */
  available(): Promise<void> {
    if (this.#bytes > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Lets go of whoever waits: there is nothing to wait for any more. */
  release(): void {
    this.#wake();
  }
}
