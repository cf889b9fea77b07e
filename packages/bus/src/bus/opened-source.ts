import type { Source } from '@weir/event/source';

/**
 * A source and the consumer's credential that opened it. If the source rejects the credential, it is reopened with that
 * of another consumer.
 */
export class OpenedSource {
  readonly #open: (credential: string | undefined) => Source;
  readonly #refused = new Set<string | undefined>();
  #credential: string | undefined;
  #source: Source;

  constructor(credential: string | undefined, open: (credential: string | undefined) => Source) {
    this.#open = open;
    this.#credential = credential;
    this.#source = open(credential);
  }

  /** The current source; another credential creates another one. */
  get source(): Source {
    return this.#source;
  }

  /** Marks the credential as rejected and reopens the source with the next one. Each credential is tried once. */
  tryAnother(credentials: readonly (string | undefined)[]): boolean {
    this.#refused.add(this.#credential);
    for (const credential of credentials) {
      if (this.#refused.has(credential)) continue;
      try {
        this.#source = this.#open(credential);
        this.#credential = credential;
        return true;
      } catch {
        // The source rejects this credential before it connects.
        this.#refused.add(credential);
      }
    }
    return false;
  }
}
