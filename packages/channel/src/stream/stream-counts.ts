import type { StreamKey } from './stream-name.js';

/** The number of streams of each project: names with a record in the log, including half-removed ones. */
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
