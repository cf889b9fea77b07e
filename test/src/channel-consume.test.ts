/** `weir event consume weir.channel.message`: writes a channel's messages as lines, for a key that may read it, until it ends. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Consumer } from './harness/consumer.js';
import { type Job, Jobs } from './harness/jobs.js';
import { killBuses, WeirProcess, waitUntil } from './index.js';

let weir: WeirProcess;
let jobs: Jobs;
const consumers: Consumer[] = [];

beforeAll(async () => {
  weir = await new WeirProcess().start();
  jobs = new Jobs(weir);
});
afterEach(() => {
  for (const consumer of consumers.splice(0)) consumer.kill();
});
afterAll(async () => {
  killBuses(weir.dataDir);
  await weir.dispose();
});

function consume(job: Job, args: readonly string[] = [], environment: Record<string, string> = {}): Consumer {
  const of = ['-p', `process=${job.id.toUpperCase()}`, '-p', 'channel=c'];
  const consumer = new Consumer(weir, ['consume', 'weir.channel.message', ...of, ...args], environment);
  consumers.push(consumer);
  return consumer;
}

async function send(job: Job, first: number, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, i) => ({ sequence: first + i, text: `t${first + i}` }));
  const headers = { 'weir-assignment': job.assignment };
  await waitUntil('them to be stored', async () => {
    const { status } = await jobs.call('POST', `/${job.id}/channels/c/messages`, { messages }, headers);
    return status === 201;
  });
}

async function otherKey(scopes: readonly string[]): Promise<{ id: string; key: string }> {
  const { body } = await weir.operator('POST', `/projects/${weir.project}/keys`, { name: 'other', scopes });
  const { id, api_key: key } = body as { id: string; api_key: string };
  return { id, key };
}

const texts = (first: number, count: number) => Array.from({ length: count }, (_, i) => `"t${first + i}"`);
const linesOf = ({ lines }: Consumer) => lines.map(({ text }) => text);

it('brings messages to all its readers through a kill, from where they were told, and ends with the channel', async () => {
  const job = await jobs.run();
  const { id, key } = await otherKey(['channel']);
  await jobs.call('POST', `/${job.id}/observers`, { add: [id] });
  await send(job, 0, 50);
  const [all, some, live] = await Promise.all([
    consume(job, ['--from', 'earliest', '--jq', '.text']).ready(),
    consume(job, ['--from', '40', '--jq', '.text'], { WEIR_KEY: key }).ready(),
    consume(job).ready(),
  ]);
  await send(job, 50, 50);
  await waitUntil('them', () => live.lines.length === 50);
  await weir.killAll();
  await weir.start();
  await send(job, 100, 100);
  await jobs.close(job);
  const ends = await Promise.all([all, some, live].map((consumer) => consumer.ended()));
  expect(linesOf(all)).toEqual(texts(0, 200));
  expect(linesOf(some)).toEqual(texts(40, 160));
  expect(live.documents()).toMatchObject(
    Array.from({ length: 150 }, (_, i) => ({ index: 51 + i, type: 'data', text: `t${50 + i}` })),
  );
  for (const { code, stderr, error } of ends) {
    expect([code, error]).toMatchObject([1, { subtype: 'source_ended' }]);
    expect(stderr.some((line) => line.endsWith('(reason: upstream)'))).toBe(true);
  }
  const late = consume(job, ['--from', 'earliest', '--jq', '.text']);
  expect((await late.ended()).code).toBe(1);
  expect(linesOf(late)).toEqual(texts(0, 200));
});

it('refuses who may not read the channel, also while somebody else does', async () => {
  const job = await jobs.run();
  await consume(job).ready();
  const [stranger, unscoped] = await Promise.all([otherKey(['channel', 'feed']), otherKey(['feed'])]);
  const refused = async (args: readonly string[], environment: Record<string, string>) => {
    const { code, error, stdout } = await consume(job, args, environment).ended();
    expect(stdout).toBe('');
    return [code, error?.subtype];
  };
  expect(await refused([], { WEIR_KEY: stranger.key })).toEqual([3, 'forbidden']);
  expect(await refused([], { WEIR_KEY: unscoped.key })).toEqual([3, 'insufficient_scope']);
  expect(await refused(['--group', 'g'], {})).toEqual([2, 'no_groups']);
  expect(await refused(['--from', 'yesterday'], {})).toEqual([2, 'invalid_from']);
  const nowhere = { ...job, id: '01a20079-87e5-7de6-b9e2-3e8a4a39c19f' };
  const { code, error } = await consume(nowhere).ended();
  expect([code, error?.subtype]).toEqual([1, 'process_not_found']);
});
