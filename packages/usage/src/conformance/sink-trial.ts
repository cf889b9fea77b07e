import type { Sink, UsageEvent } from '@weir/extension';
// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import { expect } from 'vitest';
import type { SinkHarness } from './harness.js';
import { idsOf } from './records.js';

/** The state of one test: a new sink on a new backend. */
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

  /** Opens another sink on the same backend; the previous one is abandoned like in a crash. */
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

  /** Expects the backend to have these records: each once if the sink is exact, in order if it is ordered. */
  async expectKept(events: readonly UsageEvent[]): Promise<void> {
    const { exact, ordered } = this.harness;
    const read = await this.harness.read();
    const kept = exact ? read : [...new Set(read)];
    // Printing two lists of ids that differ by one would fill the screen.
    const wanted = idsOf(events);
    expect({ records: kept.length, different: new Set(kept).size }).toEqual({
      records: wanted.length,
      different: wanted.length,
    });
    expect(ordered ? kept : [...kept].sort()).toEqual(ordered ? wanted : [...wanted].sort());
  }
}
