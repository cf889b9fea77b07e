// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import { expect } from 'vitest';
import type { Delivery } from '../log.js';

/** State of an entry in the model. */
export interface Modelled {
  readonly offset: number;
  /** An entry without a lane has a lane of its own. */
  readonly lane: string;
  id: string;
  attempt: number;
  deadline: number;
  /** The pull that leased the entry; null if it is not leased. */
  pull: number | null;
}

/** A simple model of a group with lanes, which examines every lane completely each time. */
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

  /** Entries that were delivered, to any member. */
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
    // The pull must return as many entries as possible, and a prefix of each lane.
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

  /** The next pull renews every lease. */
  restarted(): void {
    this.#hasRestarted = true;
  }

  /** The deliverable entries of each lane. */
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
