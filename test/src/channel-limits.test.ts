/** Limits of channels: the installation's, and what the operator sets for a project, over real HTTP and WebSockets. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ChannelClient } from './harness/channel-client.js';
import { type Answer, type Job, Jobs } from './harness/jobs.js';
import { WeirProcess, waitUntil } from './index.js';

const CLI = fileURLToPath(new URL('../../packages/cli/bin/weir.js', import.meta.url));
const KIB = 1024;
const MIB = 1024 * KIB;

let weir: WeirProcess;
let jobs: Jobs;

beforeAll(async () => {
  weir = await new WeirProcess({
    WEIR_CHANNEL_MAX_MESSAGE_BYTES: '18MiB',
    WEIR_CHANNEL_MAX_MESSAGES: '1000',
    WEIR_CHANNEL_MAX_BYTES_EACH: '40MiB',
    WEIR_CHANNEL_MAX_PER_PROCESS: '3',
    WEIR_CHANNEL_RATE_LIMIT: 'off',
  }).start();
  jobs = new Jobs(weir);
});
afterAll(async () => await weir?.dispose());

const send = (job: Job, body: object, headers: Record<string, string> = {}, name = 'c'): Promise<Answer> =>
  jobs.call('POST', `/${job.id}/channels/${name}/messages`, body, headers);
const batch = (from: number, count: number) => ({
  messages: Array.from({ length: count }, (_, i) => ({ sequence: from + i, text: 'x' })),
});
const named = (...names: string[]) => ({ channels: names.map((name) => ({ name })) });
const submit = (wanted: object) => jobs.call('POST', '', { name: 'job', ...wanted });
const refusal = (status: number, code: string, limit?: number) => ({
  status,
  body: { code, hint: expect.any(String), ...(limit !== undefined && { limit }) },
});

async function tenant(...args: string[]): Promise<string> {
  const env = { ...process.env, WEIR_SERVER: weir.url, WEIR_OPERATOR_KEY: weir.operatorKey };
  const run = promisify(execFile)(process.execPath, [CLI, 'tenant', ...args], { env, cwd: weir.dataDir });
  return (await run).stdout;
}

it("are the installation's for a project of which nothing was decided", async () => {
  const job = await jobs.run(named('c', 'd', 'e'));
  expect(await submit(named('a', 'b', 'c', 'd'))).toMatchObject(refusal(422, 'too_many_channels', 3));
  // Without a limit of the rate; a bucket of 500 would be empty.
  expect((await send(job, batch(1, 600))).status).toBe(201);
  expect((await send(job, batch(601, 400))).status).toBe(201);
  expect(await send(job, batch(1001, 1))).toMatchObject(refusal(409, 'channel_full', 1000));

  const whole = Buffer.alloc(18 * MIB, 7);
  const first = await send(job, { sequence: 1, payload: whole.toString('base64') }, {}, 'd');
  expect(first).toMatchObject({ status: 201, body: { index: 1 } });
  const over = { sequence: 2, payload: Buffer.alloc(18 * MIB + 1).toString('base64') };
  expect(await send(job, over, {}, 'd')).toMatchObject(refusal(413, 'message_too_large', 18 * MIB));
  const body = 24 * MIB + 512 * KIB;
  const long = { sequence: 2, text: 'x'.repeat(body) };
  expect(await send(job, long, {}, 'd')).toMatchObject(refusal(413, 'message_too_large', body));

  const client = await ChannelClient.connect(weir.url, weir.key);
  await client.open(1, job.id, 'd', { read: false });
  expect(await client.append(1, [{ sequence: 2 }, whole])).toMatchObject({ op: 'appended', index: 2 });
  const tooLarge = { code: 'message_too_large', limit: 18 * MIB };
  expect(await client.append(1, [{ sequence: 3 }, Buffer.alloc(18 * MIB + 1)])).toMatchObject(tooLarge);
  const full = { code: 'channel_full', limit: 40 * MIB };
  expect(await client.append(1, [{ sequence: 3 }, whole])).toMatchObject(full);
  client.send(Buffer.alloc(19 * MIB + 1, 1));
  expect(await waitUntil('the end', () => client.closed)).toBe(1009);
});

it('are set for a project, and hold for what is submitted from then on to its end', async () => {
  const before = await jobs.run();
  const said = await tenant(
    ...['limits', 'set', weir.project, '--channel-rate', '0.1:2', '--channel-messages', '3'],
    ...['--channel-message-bytes', '1KiB', '--channel-bytes', '2KiB', '--channels-per-process', '1'],
  );
  expect(said.split('\n').slice(2, 7)).toEqual([
    'Messages a second          0.1, 2 at once',
    'Bytes of a message         1024',
    'Messages in a channel      3',
    'Bytes in a channel         2048',
    'Channels of a process      1',
  ]);
  expect((await weir.operator('GET', `/tenants/${weir.project}`)).body).toMatchObject({
    channel_rate_limit_rps: 0.1,
    channel_rate_burst: 2,
    channel_messages: 3,
    channel_message_bytes: 1024,
    channel_bytes: 2048,
    channels_per_process: 1,
    concurrency_limit: 0,
  });
  expect(await submit(named('a', 'b'))).toMatchObject(refusal(422, 'too_many_channels', 1));
  const job = await jobs.run();
  const executor = { 'weir-assignment': job.assignment };
  const large = { sequence: 1, text: 'x'.repeat(1025) };
  expect(await send(job, large)).toMatchObject(refusal(413, 'message_too_large', 1024));
  expect((await send(job, { sequence: 1, text: 'x'.repeat(1000) })).status).toBe(201);
  const second = { sequence: 2, text: 'x'.repeat(1000) };
  expect(await send(job, second)).toMatchObject(refusal(409, 'channel_full', 2048));
  expect((await send(job, batch(2, 1))).status).toBe(201);
  const limited = await send(job, batch(3, 1));
  expect(limited).toMatchObject(refusal(429, 'rate_limited'));
  const seconds = Number(limited.headers.get('retry-after'));
  expect(limited.body.retry_after_s).toBe(seconds);
  expect(seconds).toBeGreaterThan(5);
  expect(seconds).toBeLessThanOrEqual(10);
  expect((await send(job, batch(1, 1), executor)).status).toBe(201);
  expect(await send(job, batch(2, 1), executor)).toMatchObject(refusal(409, 'channel_full', 3));
  // What was submitted before knows nothing of it.
  expect((await send(before, batch(1, 20))).status).toBe(201);

  const limits = ['--channel-rate', '0', '--channel-messages', '0', '--channel-message-bytes', '0'];
  await weir.kill();
  await weir.start();
  await waitUntil('PostgreSQL', async () => (await jobs.call('GET', '?limit=1')).status === 200);
  expect(await submit(named('a', 'b'))).toMatchObject(refusal(422, 'too_many_channels', 1));
  const lifted = await tenant('limits', 'set', weir.project, ...limits, '--channels-per-process', '2');
  expect(lifted).toContain("Messages a second          the installation's\n");
  expect(await send(job, batch(2, 1), executor)).toMatchObject(refusal(409, 'channel_full', 3));
  expect(await send(job, large)).toMatchObject(refusal(413, 'message_too_large', 1024));
  expect((await send(before, batch(21, 20))).status).toBe(201);
  const after = await jobs.run(named('c', 'd'));
  expect((await send(after, batch(1, 10))).status).toBe(201);
  const third = { messages: [{ sequence: 11, text: 'x'.repeat(1500) }] };
  expect(await send(after, third)).toMatchObject(refusal(409, 'channel_full', 2048));
});

it('are refused where they make no sense, each with what would', async () => {
  const wrong: [object, string][] = [
    [
      { channel_message_bytes: 18 * MIB + 1 },
      'channel_message_bytes: must be at most 18874368, which is WEIR_CHANNEL_MAX_MESSAGE_BYTES',
    ],
    [{ channels_per_process: 1001 }, 'channels_per_process: '],
    [{ channel_rate_limit_rps: 0.0001 }, 'channel_rate_limit_rps: must be 0, or at least 0.001'],
    [{ channel_messages: 1.5 }, 'channel_messages: '],
    [{ channel_bytes: -1 }, 'channel_bytes: '],
  ];
  for (const [body, detail] of wrong) {
    const { status, body: problem } = await weir.operator('PUT', `/tenants/${weir.project}`, body);
    expect([status, problem]).toMatchObject([400, { detail: expect.stringContaining(detail) }]);
  }
  const options = [
    ['--channel-rate', 'fast', 'such as 1000:5000'],
    ['--channel-bytes', '1 parsec', 'a size such as 64KiB'],
    ['--channel-messages', '1.5', 'whole number'],
  ] as const;
  for (const [option, value, hint] of options)
    await expect(tenant('limits', 'set', weir.project, option, value)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining(hint),
    });
});
