import { BufferFullError } from '@weir/ingest';
import { type BodyBudget, BodyShare } from '../ingest/body-budget.js';

/** Bounds what each project takes of a budget, so that no one of them has all of it. */
export class ProjectBudget {
  readonly #all: BodyBudget;
  readonly #maxBytes: number;
  readonly #taken = new Map<string, number>();

  /** @param maxBytes of one project */
  constructor(all: BodyBudget, maxBytes: number) {
    this.#all = all;
    this.#maxBytes = maxBytes;
  }

  /** A share for one request, to be given back when it is over; taking throws BufferFullError. */
  share(projectId: string): BodyShare {
    const ofAll = this.#all.share();
    return new BodyShare((bytes) => {
      const taken = (this.#taken.get(projectId) ?? 0) + bytes;
      if (taken > this.#maxBytes) throw new BufferFullError();
      ofAll.take(bytes);
      if (taken > 0) this.#taken.set(projectId, taken);
      else this.#taken.delete(projectId);
    });
  }
}
