/**
 * Stops and kills of members, buses and the server while a group works. `WEIR_TEST_SEEDS=1,2,3` runs other seeds, and
 * `WEIR_TEST_FAULTS` more faults in each.
 */
import { expect, test } from 'vitest';
import { runGroup, STARVATION_MS } from './harness/group-run.js';

const seeds = (process.env.WEIR_TEST_SEEDS ?? '7').split(',').map(Number);
const faults = Number(process.env.WEIR_TEST_FAULTS ?? 9);

test.each(seeds)(
  'an event runs once unless its own member fails, and no member starves (seed %i)',
  async (seed) => {
    const run = await runGroup({ seed, events: 500, faults });
    console.log(run.summary);
    expect(run.duplicates).toEqual([]);
    expect(run.missing).toBe(0);
    expect(run.starvation).toBeLessThan(STARVATION_MS + run.calm);
  },
  240_000,
);
