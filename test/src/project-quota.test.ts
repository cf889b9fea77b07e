/** One project that fills the log of channels and streams: it is refused, the others go on. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Job, Jobs } from './harness/jobs.js';
import { WeirProcess, waitUntil } from './index.js';

const MIB = 1024 * 1024;

let weir: WeirProcess;
let other: { readonly id: string; readonly key: string };

beforeAll(async () => {
  weir = await new WeirProcess({ WEIR_CHANNEL_MAX_BYTES: '8MiB', WEIR_CHANNEL_RATE_LIMIT: 'off' }).start();
  const made = await weir.operator('POST', '/projects', { name: 'other' });
  const { id } = made.body as { id: string };
  const key = await weir.operator('POST', `/projects/${id}/keys`, {
    name: 'k',
    scopes: ['channel', 'process'],
  });
  other = { id, key: (key.body as { api_key: string }).api_key };
});
afterAll(async () => await weir?.dispose());

async function stream(method: string, name: string, body = '', key = weir.key) {
  const { status, headers, text } = await weir.request(method, `/v1/stream/${name}`, {
    headers: { authorization: `Bearer ${key}`, 'content-type': 'text/plain' },
    ...(method === 'POST' && { body }),
  });
  return { status, retryAfter: headers.get('retry-after'), body: status < 400 ? {} : JSON.parse(text) };
}

const send = (jobs: Jobs, { id }: Job, sequence: number, bytes: number) =>
  jobs.call('POST', `/${id}/channels/c/messages`, { sequence, text: 'x'.repeat(bytes) });

test('streams and channels of one project share its quota, which a restart does not forget', async () => {
  const [mine, theirs] = [new Jobs(weir), new Jobs(weir, other.key)];
  const [job, theirJob] = [await mine.run(), await theirs.run()];
  expect((await send(mine, job, 1, 3 * MIB)).status).toBe(201);
  expect((await stream('PUT', 'large')).status).toBe(201);
  let refused = await stream('POST', 'large', 'x'.repeat(MIB));
  for (let i = 0; i < 8 && refused.status === 204; i += 1)
    refused = await stream('POST', 'large', 'x'.repeat(MIB));
  const quota = { code: 'project_quota', hint: expect.any(String), retry_after_s: 5 };
  expect(refused).toMatchObject({ status: 503, retryAfter: '5', body: quota });
  expect(await send(mine, job, 2, MIB)).toMatchObject({ status: 503, body: quota });

  expect((await stream('PUT', 'theirs', '', other.key)).status).toBe(201);
  expect((await stream('POST', 'theirs', 'x'.repeat(100_000), other.key)).status).toBe(204);
  expect((await send(theirs, theirJob, 1, 100_000)).status).toBe(201);
  const { text } = await weir.request('GET', '/metrics');
  expect(text).toMatch(/^weir_project_quota_refused_total\{log="channels"\} [1-9]\d*$/m);

  await weir.stop();
  await weir.start();
  expect(await stream('POST', 'large', 'x'.repeat(MIB))).toMatchObject({ status: 503, body: quota });
  expect((await stream('POST', 'theirs', 'x', other.key)).status).toBe(204);
  // Closing passes, and what is deleted makes room.
  expect((await stream('DELETE', 'large')).status).toBe(204);
  // PostgreSQL, which knows the process, comes up a moment after the server.
  await waitUntil('room', async () => (await send(mine, job, 2, MIB)).status === 201);
});
