/** kill -9 of consumers, their bus and the server; `npm run test:soak` does the same for a minute and more. */
import { expect, it } from 'vitest';
import { runConsumers } from './harness/consume-run.js';

it('five consumers, with and without groups, have the exact lines through kills of all', async () => {
  const { summary, faults, sent } = await runConsumers({ seconds: 15, seed: 20_26 });
  console.log(summary);
  expect(faults).toEqual([]);
  expect(sent).toBeGreaterThan(1_000);
}, 240_000);
