import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { channelCase } from '../harness/channel-case.js';
import { runChannelCase } from '../harness/channel-run.js';
import { FaultProxy } from '../harness/fault-proxy.js';
import { WeirProcess } from '../harness/weir-process.js';

const CASES = Number(process.env.WEIR_TEST_CASES ?? 1_000);
const SEED = Number(process.env.WEIR_TEST_SEED ?? Date.now() % 2 ** 31);

const server = new WeirProcess();
let proxy: FaultProxy;

beforeAll(async () => {
  await server.start();
  proxy = await FaultProxy.before({ port: server.port, host: '127.0.0.1' });
});
afterAll(async () => {
  await proxy.close();
  await server.dispose();
});

it(`${CASES} channels through retries, cut connections, lost executors and kills`, async () => {
  const counts: Record<string, number> = {};
  const begun = performance.now();
  const property = fc.asyncProperty(channelCase, async (steps) => {
    for (const step of steps) counts[step.do] = (counts[step.do] ?? 0) + 1;
    await runChannelCase(server, proxy, steps);
  });
  const ran = fc.assert(property, { numRuns: CASES, endOnFailure: true, seed: SEED });
  await expect(ran).resolves.toBeUndefined();
  const seconds = Math.round((performance.now() - begun) / 1000);
  console.log(`seed ${SEED}, ${seconds} s: ${JSON.stringify(counts)}`);
}, 5_400_000);
