import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { channelCase } from './harness/channel-case.js';
import { runChannelCase } from './harness/channel-run.js';
import { FaultProxy } from './harness/fault-proxy.js';
import { WeirProcess } from './harness/weir-process.js';

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

it('one order for everyone, nothing lost and nothing twice: 50 channels through retries, cut connections, lost executors and kills', async () => {
  const property = fc.asyncProperty(channelCase, (steps) => runChannelCase(server, proxy, steps));
  await expect(fc.assert(property, { numRuns: 50, endOnFailure: true })).resolves.toBeUndefined();
}, 600_000);
