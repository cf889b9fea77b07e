/** kill -9 while every surface is used; `npm run test:soak` does the same twenty times. */
import { expect, it } from 'vitest';
import { runUsageKills } from './harness/usage-run.js';

it('every request whose answer arrived whole has one record in every sink, through kills', async () => {
  const { summary, whole, sinks, totals, records } = await runUsageKills({ kills: 3, seed: 20_26 });
  console.log(summary);
  const exact = { missing: 0, twice: 0 };
  expect(sinks).toEqual({ file: exact, clickhouse: exact, http: exact, log: exact });
  expect(totals).toBe(records);
  expect(whole).toBeGreaterThan(100);
}, 240_000);
