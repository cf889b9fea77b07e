import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeyDefinition, Registry } from '@weir/event';
import { prepareConsume } from '@weir/event/consume';
import { Follower } from '@weir/event/testing';
import { afterEach, expect, test, vi } from 'vitest';
import { TestBus } from '../bus/testing/test-bus.js';
import { type BusDirectory, directoryAt } from '../directory/bus-directory.js';
import { localTransport } from '../transport/index.js';
import { BusStream, type BusStreamOptions } from './index.js';

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

async function busOf(limits: Parameters<typeof TestBus.start>[0] = {}): Promise<TestBus> {
  const bus = await TestBus.start(limits);
  undo.push(() => bus.close());
  return bus;
}

async function streamOf(
  directory: BusDirectory,
  options: Partial<BusStreamOptions> = {},
  definition: Partial<KeyDefinition> = {},
): Promise<BusStream> {
  const base = { key: 'k', eventType: 'order', schema: { custom: { raw: {} } } };
  const key = new Registry([{ ...base, ...definition }]).lookup('k');
  if (key === undefined) throw new Error('there is no key');
  const api = { callApi: () => Promise.reject(new Error('nothing is called here')) };
  return new BusStream({
    directory,
    command: { file: 'false', args: [], env: {} },
    version: '1.2.0',
    prepared: await prepareConsume({ key, params: {}, api, identity: 'bot' }),
    source: { kind: 'feed', server: 'http://127.0.0.1:1', project: 'p', stream: 'events' },
    onSlow: 'replay',
    from: 'latest',
    report: () => {},
    ...options,
  });
}

function follow(stream: BusStream): Follower {
  const follower = new Follower(stream);
  undo.push(() => follower.stop());
  return follower;
}

test('failed events are redelivered with growing delays', async () => {
  const bus = await busOf();
  bus.source.publish();
  const follower = follow(await streamOf(bus.directory, { group: 'g' }));
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    await follower.until(({ items }) => items.length === attempt);
    await follower.items.at(-1)?.fail?.();
  }
  await vi.waitFor(() =>
    expect(bus.source.calls.map(({ delayMs }) => delayMs)).toEqual([1_000, 5_000, 30_000, 120_000, 120_000]),
  );
});

test('a bus that does not answer hello is reported as orphaned', async () => {
  const path = await mkdtemp(join(tmpdir(), 'weir-bus-'));
  const directory = directoryAt(path, {});
  const listener = await localTransport().listen(directory.socket, () => {});
  undo.push(
    () => rm(path, { recursive: true }),
    () => listener.close(),
  );
  const { ended } = follow(await streamOf(directory, { limits: { answerMs: 20 } }));
  expect(await ended).toMatchObject({
    kind: 'internal',
    code: 'bus_orphaned',
    hint: expect.stringContaining('weir event stop --force'),
  });
});

test('a consumer leaves a silent bus and resumes after its last event on the next one', async () => {
  const bus = await busOf({ statusMs: 60_000 });
  const follower = follow(await streamOf(bus.directory, { limits: { silenceMs: 50 } }));
  await follower.until(({ states }) => states.includes('connected'));
  bus.source.publish();
  await follower.until(({ states }) => states.includes('reconnecting'));
  bus.source.publish();
  await follower.until(({ states, items }) => items.length === 2 && states.lastIndexOf('connected') > 1);
  expect(follower.payloads).toEqual([1, 2]);
});

test('a preConsume that never returns ends the consumer, and a helper runs cleanup', async () => {
  const bus = await busOf();
  const stream = await streamOf(
    bus.directory,
    { limits: { hookMs: 20 } },
    { preConsume: () => new Promise(() => {}) },
  );
  expect(await follow(stream).ended).toMatchObject({ kind: 'failed', code: 'pre_consume' });
  await vi.waitFor(() => expect(bus.cleaned).toMatchObject([{ event_key: 'k', pending: true }]));
});

test('a cleanup that never returns is reported and left to a helper', async () => {
  const bus = await busOf();
  const lines: string[] = [];
  const stream = await streamOf(
    bus.directory,
    { limits: { hookMs: 20 }, report: (line) => lines.push(line) },
    { preConsume: async () => ({ state: 7 }), cleanup: () => new Promise(() => {}) },
  );
  const follower = follow(stream);
  await follower.until(({ states }) => states.includes('connected'));
  await follower.stop();
  await stream.end('signal');
  expect(lines).toEqual([expect.stringContaining('cleanup failed: it took longer than')]);
  await vi.waitFor(() => expect(bus.cleaned).toMatchObject([{ event_key: 'k', state: 7 }]));
});
