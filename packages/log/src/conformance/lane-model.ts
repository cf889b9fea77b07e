// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import { expect } from 'vitest';
import type { Delivery } from '../log.js';

/** What the model knows of one entry. */
export interface Modelled {
  readonly offset: number;
  /** An entry without a lane has one of its own. */
  readonly lane: string;
  id: string;
  attempt: number;
  deadline: number;
  /** The pull that gave it to somebody; null while nobody has it. */
  pull: number | null;
}

/** What a group with lanes must do, said as simply as possible: every lane is looked at whole, each time. */
export class LaneModel {
  readonly #ackWaitMs: number;
  readonly #entries: Modelled[] = [];
  #appended = 0;
  #pulls = 0;
  #hasRestarted = false;

  constructor(ackWaitMs: number) {
    this.#ackWaitMs = ackWaitMs;
  }

  get isDone(): boolean {
    return this.#entries.length === 0;
  }

  /** Those that were handed out, whoever has them now. */
  get allGiven(): readonly Modelled[] {
    return this.#entries.filter(({ attempt }) => attempt > 0);
  }

  given(n: number): Modelled | undefined {
    return this.allGiven[n % Math.max(1, this.allGiven.length)];
  }

  appended(lanes: readonly string[]): void {
    for (const name of lanes) {
      this.#appended += 1;
      const offset = this.#appended;
      const lane = name === '-' ? `-${offset}` : name;
      this.#entries.push({ offset, lane, id: '', attempt: 0, deadline: 0, pull: null });
    }
  }

  pulled(deliveries: readonly Delivery[], max: number, now: number): void {
    if (this.#hasRestarted)
      for (const entry of this.#entries) if (entry.pull !== null) entry.deadline = now + this.#ackWaitMs;
    this.#hasRestarted = false;
    const may = this.#available(now);
    // Whatever is chosen, there is no less than there could be, and of each lane it is the beginning.
    expect(deliveries).toHaveLength(Math.min(max, [...may.values()].flat().length));
    this.#pulls += 1;
    for (const { id, offset, attempt } of deliveries) {
      const entry = this.#entries.find((one) => one.offset === offset);
      if (entry === undefined) throw new Error(`${offset} came again after it was acknowledged`);
      expect(may.get(entry.lane)?.shift()).toBe(entry);
      expect(attempt).toBe(entry.attempt + 1);
      Object.assign(entry, { id, attempt, deadline: now + this.#ackWaitMs, pull: this.#pulls });
    }
  }

  acked(entry: Modelled, count: number): void {
    expect(count).toBe(1);
    this.#entries.splice(this.#entries.indexOf(entry), 1);
  }

  nacked(entry: Modelled, count: number, deadline: number): void {
    expect(count).toBe(1);
    Object.assign(entry, { pull: null, deadline });
  }

  extended(entry: Modelled, count: number, now: number): void {
    const isOut = this.#entries.some((one) => one.lane === entry.lane && isWithSomebody(one, now));
    const extends_ = entry.pull !== null && (entry.deadline > now || !isOut);
    expect(count).toBe(extends_ ? 1 : 0);
    if (extends_) entry.deadline = now + this.#ackWaitMs;
  }

  /** With the next pull, the lease of every entry that is lent begins anew. */
  restarted(): void {
    this.#hasRestarted = true;
  }

  /** Of each lane, what may be handed out now. */
  #available(now: number): Map<string, Modelled[]> {
    const lanes = new Map<string, Modelled[]>();
    for (const entry of this.#entries) lanes.set(entry.lane, [...(lanes.get(entry.lane) ?? []), entry]);
    for (const [lane, entries] of lanes) {
      const waits = entries.findIndex(({ deadline }) => deadline > now);
      const isOut = entries.some((entry) => isWithSomebody(entry, now));
      const suspect = entries.findIndex(({ attempt }) => attempt >= 2);
      const ends = [entries.length, waits, suspect === 0 ? 1 : suspect].filter((end) => end !== -1);
      lanes.set(lane, isOut ? [] : entries.slice(0, Math.min(...ends)));
    }
    return lanes;
  }
}

function isWithSomebody({ pull, deadline }: Modelled, now: number): boolean {
  return pull !== null && deadline > now;
}
