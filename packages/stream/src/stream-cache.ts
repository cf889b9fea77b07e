import { LiveStream, type Surroundings } from './live-stream.js';
import { recordStream, type StreamKey } from './stream-name.js';

/** A stream that somebody uses. There is one such object a name, or two writers would give the same place. */
export interface Held {
  readonly live: LiveStream;
  /** To be called once. */
  readonly release: () => void;
}

interface Slot {
  readonly opening: Promise<LiveStream>;
  holders: number;
}

const MAX_IDLE = 1000;
/** Producers of all idle streams: some 300 bytes each. */
const MAX_IDLE_PRODUCERS = 50_000;

/** The streams in memory: those in use, and some that were used last. */
export class StreamCache {
  readonly #around: Surroundings;
  readonly #slots = new Map<string, Slot>();
  /** How many producers each has that nobody holds; the longest unused first. */
  readonly #idle = new Map<string, number>();
  #idleProducers = 0;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  async hold(key: StreamKey): Promise<Held> {
    const id = recordStream(key);
    let slot = this.#slots.get(id);
    if (slot === undefined) {
      slot = { opening: LiveStream.open(key, this.#around), holders: 0 };
      this.#slots.set(id, slot);
    }
    slot.holders += 1;
    this.#forgetIdle(id);
    try {
      const live = await slot.opening;
      return { live, release: () => void this.#release(id, slot, live) };
    } catch (error) {
      slot.holders -= 1;
      if (slot.holders === 0) this.#slots.delete(id);
      throw error;
    }
  }

  async use<T>(key: StreamKey, work: (live: LiveStream) => Promise<T>): Promise<T> {
    const { live, release } = await this.hold(key);
    try {
      return await work(live);
    } finally {
      release();
    }
  }

  /** Resolves when nothing is under way in any stream. */
  async idle(): Promise<void> {
    for (const { opening } of [...this.#slots.values()]) {
      await opening.then((live) => live.turns.idle()).catch(() => undefined);
    }
  }

  async #release(id: string, slot: Slot, live: LiveStream): Promise<void> {
    // What was begun for somebody who has left is over before another object can take the name.
    await live.turns.idle();
    slot.holders -= 1;
    if (slot.holders > 0) return;
    if (live.state === null) {
      this.#slots.delete(id);
      return;
    }
    const producers = live.state.producers.size;
    this.#idle.set(id, producers);
    this.#idleProducers += producers;
    for (const oldest of this.#idle.keys()) {
      if (this.#idle.size <= MAX_IDLE && this.#idleProducers <= MAX_IDLE_PRODUCERS) break;
      this.#forgetIdle(oldest);
      this.#slots.delete(oldest);
    }
  }

  #forgetIdle(id: string): void {
    this.#idleProducers -= this.#idle.get(id) ?? 0;
    this.#idle.delete(id);
  }
}
