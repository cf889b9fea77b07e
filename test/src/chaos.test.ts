/** kill -9 under load; `npm run test:soak` does the same fifty times. */
import { expect, it } from 'vitest';
import { runKills } from './harness/kill-run.js';

it('kill -9 of everything, of the server and of the engine: every acknowledged event is stored once', async () => {
  const { summary, reckoning, receiptStates } = await runKills({ kills: 6, seed: 20_26 });
  console.log(summary);
  expect(reckoning).toEqual({ acknowledged: reckoning.acknowledged, lost: 0, twice: 0, strange: 0 });
  expect(reckoning.acknowledged).toBeGreaterThan(0);
  expect(receiptStates).toEqual(['stored']);
}, 240_000);
