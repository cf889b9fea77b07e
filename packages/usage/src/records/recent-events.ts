import type { UsageEvent } from '@weir/extension';

/** Maximum retained records. */
const MAX_EVENTS = 20_000;

/** The newest records as objects, by the offset of their entry: sinks that keep up share them and need no parsing. */
export class RecentEvents {
  readonly #byOffset = new Map<number, UsageEvent[]>();
  #count = 0;

  add(offset: number, events: UsageEvent[]): void {
    this.#byOffset.set(offset, events);
    this.#count += events.length;
    for (const [oldest, dropped] of this.#byOffset) {
      if (this.#count <= MAX_EVENTS) break;
      this.#byOffset.delete(oldest);
      this.#count -= dropped.length;
    }
  }

  of(offset: number): readonly UsageEvent[] | undefined {
    return this.#byOffset.get(offset);
  }
}
