import { QueryError } from './query-error.js';

/** Keeps one project from taking all of the engine: so many questions of a project at a time, none waits. */
export class Capacity {
  readonly #perProject: number;
  readonly #taken = new Map<string, number>();

  constructor(perProject: number) {
    this.#perProject = perProject;
  }

  /**
   * Takes a place of the project's; the function returned gives it back, once however often it is called.
   * @throws QueryError `at_capacity`
   */
  take(projectId: string): () => void {
    const taken = this.#taken.get(projectId) ?? 0;
    if (taken >= this.#perProject) {
      throw new QueryError('at_capacity', `the project runs ${taken} queries already`, {
        limit: this.#perProject,
        retryAfterSeconds: 1,
        hint: 'wait for one of them to end',
      });
    }
    this.#taken.set(projectId, taken + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = (this.#taken.get(projectId) ?? 1) - 1;
      if (left === 0) this.#taken.delete(projectId);
      else this.#taken.set(projectId, left);
    };
  }
}
