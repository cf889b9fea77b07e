import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Job, Weir, WeirError } from '@weir/client';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { Jobs } from './harness/jobs.js';
import { sharedWeir } from './harness/shared-weir.js';
import { waitUntil } from './harness/wait-until.js';
import type { WeirProject } from './harness/weir-project.js';

let server: WeirProject;
const clients: Weir[] = [];

beforeAll(async () => {
  server = await sharedWeir();
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

function client(key = server.key): Weir {
  const made = new Weir({ url: server.url, key });
  clients.push(made);
  return made;
}

const talk = { executorType: 'talk', channels: [{ name: 'talk' }] };

it('keeps the order of what is sent without waiting, also when the server says slower', async () => {
  const weir = client();
  const channel = (await weir.processes.submit({ name: 'many', ...talk })).channel('talk');
  const sent = Array.from({ length: 700 }, (_, i) => channel.send(`${i}`));
  const appended = await Promise.all(sent);
  expect(appended.map(({ index }) => index)).toEqual(Array.from({ length: 700 }, (_, i) => i + 1));
  const texts: string[] = [];
  for await (const message of channel) if (texts.push(message.text()) === 700) break;
  expect(texts).toEqual(Array.from({ length: 700 }, (_, i) => `${i}`));
});

it('carries texts, JSON and bytes, both ways, with what they answer', async () => {
  const weir = client();
  weir.worker('echo', async (job) => {
    const channel = job.channel('talk');
    for await (const message of channel) {
      if (message.from === 'executor') continue;
      if (message.type === 'end') break;
      await channel.send(message.payload, {
        inReplyTo: message.index,
        ...(message.contentType === undefined ? {} : { contentType: message.contentType }),
      });
    }
    await channel.sendError('no more');
    await channel.sendEnd({ bye: true });
    return { echoed: true };
  });
  const job = await weir.processes.submit({ name: 'echo', ...talk, executorType: 'echo' });
  const channel = job.channel('talk');
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  await Promise.all([
    channel.send('grüß'),
    channel.send({ a: [1, null] }),
    channel.send(bytes),
    channel.sendEnd(),
  ]);
  const answers = [];
  for await (const message of channel) if (message.from === 'executor') answers.push(message);
  expect(
    answers.map(({ inReplyTo, type, error, contentType }) => ({ inReplyTo, type, error, contentType })),
  ).toEqual([
    { inReplyTo: 1, type: 'data', error: undefined, contentType: 'text/plain; charset=utf-8' },
    { inReplyTo: 2, type: 'data', error: undefined, contentType: 'application/json' },
    { inReplyTo: 3, type: 'data', error: undefined, contentType: undefined },
    { inReplyTo: undefined, type: 'error', error: 'no more', contentType: undefined },
    { inReplyTo: undefined, type: 'end', error: undefined, contentType: 'application/json' },
  ]);
  expect(answers[0]?.text()).toBe('grüß');
  expect(answers[1]?.json()).toEqual({ a: [1, null] });
  expect(Buffer.from(answers[2]?.payload ?? []).equals(bytes)).toBe(true);
  expect(channel.end?.lastIndex).toBe(answers.at(-1)?.index);
  expect(await job.wait()).toMatchObject({ state: 'success', output: { echoed: true } });
});

it('goes on where an iteration stopped, and ends a job that failed with its error', async () => {
  const weir = client();
  const job = await weir.processes.submit({
    name: 'stops',
    executorType: 'fails',
    channels: [{ name: 'talk' }],
  });
  const channel = job.channel('talk');
  for (let i = 1; i <= 5; i += 1) await channel.send(`${i}`);
  const read = async (count: number): Promise<string[]> => {
    const texts: string[] = [];
    for await (const message of channel) if (texts.push(message.text()) === count) break;
    return texts;
  };
  expect([await read(2), await read(3)]).toEqual([
    ['1', '2'],
    ['3', '4', '5'],
  ]);
  weir.worker('fails', () => {
    throw new Error('out of water');
  });
  expect(await job.wait()).toMatchObject({ state: 'failed', error: 'out of water' });
  await expect(channel.send('late')).rejects.toMatchObject({ code: 'channel_closed' });
});

it('tells a job that was cancelled, and goes on with the next', async () => {
  const weir = client();
  const jobs: Job[] = [];
  const lost: unknown[] = [];
  const handle = async (job: Job): Promise<void> => {
    jobs.push(job);
    if (job.name === 'long') await new Promise((resolve) => job.signal.addEventListener('abort', resolve));
  };
  weir.worker('cancels', handle, { onError: (error) => lost.push(error) });
  const long = await weir.processes.submit({ name: 'long', executorType: 'cancels', maxExecMs: 3_000 });
  await waitUntil('the job to run', () => jobs.length === 1);
  await long.cancel();
  const next = await weir.processes.submit({ name: 'next', executorType: 'cancels' });
  expect(await next.wait()).toMatchObject({ state: 'success' });
  expect([(await long.get()).state, lost.length]).toEqual(['cancelled', 1]);
  expect(jobs[0]?.signal.reason).toBeInstanceOf(WeirError);
});

it('keeps a job alive that takes longer than its lease', async () => {
  const weir = client();
  const jobs = new Jobs(server);
  weir.worker('slow', async () => {
    // The control: two jobs, one after the other, whose executor sends no heartbeat lose leases of the same length.
    for (let i = 0; i < 2; i++) {
      const { id } = await jobs.run({ max_exec_ms: 600 });
      const isLost = async () => (await jobs.call('GET', `/${id}`)).body.state === 'waiting';
      await waitUntil('the control to lose its lease', isLost);
    }
    return 'done';
  });
  const job = await weir.processes.submit({ name: 'slow', executorType: 'slow', maxExecMs: 600 });
  expect(await job.wait()).toMatchObject({ state: 'success', output: 'done', attempt: 1 });
});

it('ends a job whose output cannot be kept as one that failed, and one in hand before the client closes', async () => {
  const weir = client();
  const outputs = new Map<string, unknown>([
    ['large', 'x'.repeat(1_100_000)],
    ['no JSON', 1n],
  ]);
  const hand = client();
  hand.worker('unfit', async (job) => {
    const channel = job.channel('talk');
    if (job.name === 'in hand') {
      void hand.close();
      await nextTurn();
      await channel.send('still there');
    }
    if (job.name === 'long error') throw new Error('no '.repeat(20_000));
    return outputs.get(job.name);
  });
  const run = (name: string) =>
    weir.processes.submit({ name, executorType: 'unfit', channels: [{ name: 'talk' }] });
  for (const name of outputs.keys()) {
    expect(await (await run(name)).wait()).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('the output cannot be kept'),
    });
  }
  expect((await (await run('long error')).wait()).error).toMatch(/^no no /);
  expect(await (await run('in hand')).wait()).toMatchObject({ state: 'success' });
});

it('lets go at the server of channels that are closed or cancelled here, and never ends its program', async () => {
  const weir = client();
  const job = await weir.processes.submit({ name: 'gone', ...talk });
  const unheard: unknown[] = [];
  const hear = (error: unknown) => unheard.push(error);
  process.on('unhandledRejection', hear);
  for (let i = 0; i < 1_100; i += 1) {
    const over = new AbortController();
    const channel = job.channel('talk', { signal: over.signal });
    if (i % 2 === 0) {
      void channel.send('x');
      over.abort();
    } else {
      await channel.close();
    }
  }
  const kept = job.channel('talk');
  expect(await kept.send('y')).toMatchObject({ index: expect.any(Number) });
  void job.channel('other').send('nobody waits for this');
  await expect(job.channel('other').send('x')).rejects.toMatchObject({ code: 'channel_not_found' });
  expect(() => kept.sendError('e'.repeat(20_000))).not.toThrow();
  await expect(kept.sendError('e'.repeat(20_000))).rejects.toMatchObject({ code: 'invalid_message' });
  process.off('unhandledRejection', hear);
  expect(unheard).toEqual([]);
});

it('says what is wrong at once: no right, no channel, too large, too many', async () => {
  const stranger = new Weir({ url: server.url, key: `weir_sec_${'0'.repeat(64)}`, patienceMs: 0 });
  await expect(stranger.processes.submit({ name: 'x' })).rejects.toMatchObject({
    code: 'unauthorized',
    status: 401,
  });
  const weir = client();
  const job = await weir.processes.submit({ name: 'wrong', ...talk });
  await expect(job.channel('other').send('x')).rejects.toMatchObject({ code: 'channel_not_found' });
  const channel = job.channel('talk');
  await expect(channel.send(new Uint8Array(11 * 2 ** 20))).rejects.toMatchObject({
    code: 'message_too_large',
  });
  await expect(channel.send(new Uint8Array(20 * 2 ** 20))).rejects.toMatchObject({
    code: 'message_too_large',
  });
  const flood = Array.from({ length: 11_000 }, () =>
    channel.send('x').then(
      () => null,
      (error: WeirError) => error.code,
    ),
  );
  await channel.close({ flushMs: 0 });
  expect(new Set(await Promise.all(flood.slice(-500)))).toEqual(new Set(['buffer_full']));
  const away = new Weir({ url: 'http://127.0.0.1:1', key: server.key, patienceMs: 0 });
  await expect(away.processes.submit({ name: 'x' })).rejects.toMatchObject({ code: 'unreachable' });
});
