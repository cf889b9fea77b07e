import type { Sink, UsageEvent } from '@weir/extension';
// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import { expect } from 'vitest';
import type { SinkHarness } from './harness.js';
import { idsOf } from './records.js';

/** What one test works with: a fresh sink on a fresh backend. */
export class SinkTrial {
  /** See `PATIENCE_MS`. */
  readonly patienceMs: number;
  #harness: SinkHarness | undefined;
  #sink: Sink | undefined;
  #isClosed = false;

  constructor(patienceMs: number) {
    this.patienceMs = patienceMs;
  }

  get harness(): SinkHarness {
    if (this.#harness === undefined) throw new Error('the trial has not begun');
    return this.#harness;
  }

  get sink(): Sink {
    if (this.#sink === undefined) throw new Error('the trial has no sink');
    return this.#sink;
  }

  async begin(harness: SinkHarness): Promise<void> {
    this.#harness = harness;
    this.#sink = await harness.open();
    this.#isClosed = false;
  }

  /** A further sink on the same backend; the one before it is left as a crash leaves it. */
  async reopen(): Promise<void> {
    this.#sink = await this.harness.open();
  }

  /** Closes the sink, once. */
  async close(signal = AbortSignal.timeout(this.patienceMs)): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.sink.close(signal);
  }

  async end(): Promise<void> {
    if (this.#sink !== undefined) await this.close();
    await this.#harness?.destroy();
    this.#sink = undefined;
    this.#harness = undefined;
  }

  /** Expects the backend to have these records: each once where the sink is exact, in order where it keeps one. */
  async expectKept(events: readonly UsageEvent[]): Promise<void> {
    const { exact, ordered } = this.harness;
    const read = await this.harness.read();
    const kept = exact ? read : [...new Set(read)];
    // Two lists of ids would fill the screen when they differ by one.
    const wanted = idsOf(events);
    expect({ records: kept.length, different: new Set(kept).size }).toEqual({
      records: wanted.length,
      different: wanted.length,
    });
    expect(ordered ? kept : [...kept].sort()).toEqual(ordered ? wanted : [...wanted].sort());
  }
}
