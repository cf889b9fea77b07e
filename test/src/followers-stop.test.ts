/** Waiting and following clients do not delay the shutdown of a server, even if they keep connections open, as fetch does. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Jobs } from './harness/jobs.js';
import { WeirProcess, waitUntil } from './index.js';

let weir: WeirProcess;

beforeAll(async () => {
  weir = await new WeirProcess().start();
});
afterAll(async () => await weir?.dispose());

it('ends them all, and stops at once', async () => {
  const job = await new Jobs(weir).run();
  const feed = `/api/v1/projects/${weir.project}/feed`;
  const channel = `/api/v1/processes/${job.id}/channels/c`;
  const headers = { authorization: `Bearer ${weir.key}`, 'content-type': 'application/json' };
  const call = (method: string, path: string, body?: object) =>
    weir.request(method, path, { headers, ...(body && { body: JSON.stringify(body) }) });
  expect((await call('PUT', `${feed}/groups/g`, {})).status).toBe(201);
  expect((await call('PUT', '/v1/stream/s')).status).toBe(201);
  const waiting = [
    call('GET', feed),
    call('POST', `${feed}/groups/g/pull`, { wait_ms: 30_000 }),
    call('GET', `${channel}/subscribe`),
    call('GET', `${channel}/messages?wait_ms=30000`),
    call('GET', '/v1/stream/s?offset=-1&live=sse'),
    call('GET', '/v1/stream/s?offset=-1&live=long-poll'),
    call('GET', `/v1/stream/-/${job.id}/c?offset=-1&live=sse`),
    call('GET', `/v1/stream/-/${job.id}/c?offset=-1&live=long-poll`),
    call('POST', '/api/v1/processes/assign', { executor_type: 'none', wait_ms: 30_000 }),
    call('GET', `/api/v1/processes/${job.id}/wait`),
  ];
  // The metric counts followers; a response to a request that was sent after the others shows that the server admitted them.
  await waitUntil('all of them', async () => {
    const { text } = await weir.request('GET', '/metrics');
    return /^weir_feed_subscribers 1$/m.test(text) && /^weir_channel_subscribers 1$/m.test(text);
  });
  // No metric counts a pull that waits; the answer to a later pull says that the first one was let in.
  expect((await call('POST', `${feed}/groups/g/pull`, { member: 'later' })).status).toBe(200);
  const stopping = performance.now();
  expect(await weir.stop()).toBe(0);
  expect(performance.now() - stopping).toBeLessThan(9_500);
  const statuses = (await Promise.all(waiting)).map(({ status }) => status);
  expect(statuses).toEqual([200, 200, 200, 200, 200, 204, 200, 204, 204, 200]);
});
