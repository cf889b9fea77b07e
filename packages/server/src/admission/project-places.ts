import { Problem } from '../http/problem.js';

/** Options of {@link ProjectPlaces}. */
export interface ProjectPlacesOptions {
  /** Names the limit in metrics. */
  readonly name: string;
  /** Maximum places of one project. */
  readonly limit: number;
  /** The limited thing, in the plural: completes "the project has 100 …". */
  readonly what: string;
  /** The next step for a refused client. */
  readonly hint: string;
}

/** Limits how many of one thing each project has at a time, so that no project exhausts the server. */
export class ProjectPlaces {
  readonly name: string;
  readonly #options: ProjectPlacesOptions;
  readonly #takenOf = new Map<string, number>();
  #taken = 0;
  #refused = 0;

  constructor(options: ProjectPlacesOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Places in use by all projects. */
  get taken(): number {
    return this.#taken;
  }

  /** Number of refusals. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * Takes a place.
   * @returns releases the place; idempotent
   * @throws Problem 429 `at_capacity`
   */
  take(projectId: string): () => void {
    const { limit, what, hint } = this.#options;
    const taken = this.#takenOf.get(projectId) ?? 0;
    if (taken >= limit) {
      this.#refused += 1;
      throw new Problem('at_capacity', `the project has ${limit} ${what}, which is its limit`, {
        limit,
        hint,
      });
    }
    this.#count(projectId, 1);
    let isTaken = true;
    return () => {
      if (isTaken) this.#count(projectId, -1);
      isTaken = false;
    };
  }

  #count(projectId: string, change: 1 | -1): void {
    const taken = (this.#takenOf.get(projectId) ?? 0) + change;
    if (taken > 0) this.#takenOf.set(projectId, taken);
    else this.#takenOf.delete(projectId);
    this.#taken += change;
  }
}
