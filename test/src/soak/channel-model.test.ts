import { afterAll, beforeAll, expect, it } from 'vitest';
import { ChannelGround } from '../harness/channel-ground.js';

const CASES = Number(process.env.WEIR_TEST_CASES ?? 1_000);
const SEED = Number(process.env.WEIR_TEST_SEED ?? Date.now() % 2 ** 31);

const ground = new ChannelGround();

beforeAll(() => ground.start());
afterAll(() => ground.dispose());

it(`${CASES} channels through retries, cut connections, lost executors and kills`, async () => {
  const begun = performance.now();
  const counts = await ground.run(CASES, SEED);
  const seconds = Math.round((performance.now() - begun) / 1_000);
  console.log(`seed ${SEED}, ${seconds} s: ${JSON.stringify(counts)}`);
  expect(counts).toMatchObject({ kill: expect.any(Number), abandon: expect.any(Number) });
}, 5_400_000);
