import type { StreamKey } from './stream-name.js';

/** How many streams each project has: the names that have a record in the log, half removed ones among them. */
export class StreamCounts {
  readonly #counts = new Map<string, number>();

  of({ project }: StreamKey): number {
    return this.#counts.get(project) ?? 0;
  }

  add(key: StreamKey, by: number): void {
    const count = this.of(key) + by;
    if (count > 0) this.#counts.set(key.project, count);
    else this.#counts.delete(key.project);
  }
}
