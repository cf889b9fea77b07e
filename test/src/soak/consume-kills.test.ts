import { expect, it } from 'vitest';
import { runConsumers } from '../harness/consume-run.js';

const SEED = Number(process.env.WEIR_TEST_SEED ?? 1);

it('a minute of kills: five consumers, with and without groups, have the exact lines', async () => {
  const { summary, faults } = await runConsumers({ seconds: 60, seed: SEED });
  console.log(summary);
  expect(faults).toEqual([]);
}, 600_000);
