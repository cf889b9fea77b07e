import type { Source } from '@weir/event/source';

/** A source, and the credential it is opened with: that of a consumer, until it is refused. */
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

  /** As it is now: with another credential it is another one. */
  get source(): Source {
    return this.#source;
  }

  /** The credential was refused; opens the source with the next that was not. None is tried twice. */
  tryAnother(credentials: readonly (string | undefined)[]): boolean {
    this.#refused.add(this.#credential);
    for (const credential of credentials) {
      if (this.#refused.has(credential)) continue;
      try {
        this.#source = this.#open(credential);
        this.#credential = credential;
        return true;
      } catch {
        // It cannot even be opened with that one.
        this.#refused.add(credential);
      }
    }
    return false;
  }
}
