import { expect, it } from 'vitest';
import { runUsageKills } from '../harness/usage-run.js';

const SEED = Number(process.env.WEIR_TEST_SEED ?? 1);

it('twenty times kill -9: every request whose answer arrived whole has one record in every sink', async () => {
  const { summary, sinks, totals, records } = await runUsageKills({ kills: 20, seed: SEED });
  console.log(summary);
  const exact = { missing: 0, twice: 0 };
  expect(sinks).toEqual({ file: exact, clickhouse: exact, http: exact, log: exact });
  expect(totals).toBe(records);
}, 1_200_000);
