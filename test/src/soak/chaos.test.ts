import { expect, it } from 'vitest';
import { runKills } from '../harness/kill-run.js';

const SEED = Number(process.env.WEIR_TEST_SEED ?? 1);

it('fifty times kill -9: every acknowledged event is stored once', async () => {
  const { summary, reckoning, receiptStates } = await runKills({ kills: 50, seed: SEED });
  console.log(`seed ${SEED}; ${summary}`);
  expect(reckoning).toEqual({ acknowledged: reckoning.acknowledged, lost: 0, twice: 0, strange: 0 });
  expect(receiptStates).toEqual(['stored']);
}, 1_800_000);
