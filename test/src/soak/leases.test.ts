import { expect, it } from 'vitest';
import { runLeases } from '../harness/lease-run.js';

const SEED = Number(process.env.WEIR_TEST_SEED ?? 1);

it('200 consumers come, go and are killed: each subscription is set up and taken down, once', async () => {
  const { summary, rooms } = await runLeases({ consumers: 200, busKills: 4, seed: SEED });
  console.log(summary);
  for (const done of Object.values(rooms)) expect(done).toMatch(/^(\+-)+$/);
}, 900_000);
