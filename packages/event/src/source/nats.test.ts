import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { findProgram, freePort } from '@weir/base/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { payloadText } from '../raw-event.js';
import type { StreamGap } from './event-stream.js';
import { NatsSource } from './nats.js';
import { Follower } from './testing/follower.js';

let port: number;
let server: ChildProcess;
let publisher: NatsConnection;
const followers: Follower[] = [];

beforeEach(async () => {
  port = await freePort();
  server = await startNats(port);
  publisher = await connect({
    servers: `127.0.0.1:${port}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
  });
});
afterEach(async () => {
  await Promise.all(followers.splice(0).map((follower) => follower.stop()));
  await publisher.close();
  await stopNats(server);
});

function follow(subject: string, servers = [`nats://127.0.0.1:${port}`]): Follower {
  const follower = new Follower(new NatsSource({ servers, subject }).open());
  followers.push(follower);
  return follower;
}

const isConnected = ({ states }: Follower) => states.includes('connected');

test('each message of the subject arrives once, decoded by its content', async () => {
  const follower = follow('orders.*');
  await follower.until(isConnected);
  const named = headers();
  named.set('Nats-Msg-Id', 'm1');
  named.append('Tag', 'a');
  named.append('Tag', 'b');
  publisher.publish('orders.new', '{"n":12345678901234567890}', { headers: named });
  publisher.publish('orders.eu.new', 'of another subject');
  publisher.publish('orders.text', 'zwölf');
  publisher.publish('orders.bytes', new Uint8Array([0xff, 0x00]));
  publisher.publish('orders.trick', '1,"subject":"other"');
  publisher.publish('orders.empty');
  await follower.until(({ items }) => items.length === 5);
  expect(follower.payloads).toEqual([
    {
      subject: 'orders.new',
      headers: { 'Nats-Msg-Id': 'm1', Tag: ['a', 'b'] },
      data: { n: expect.any(Number) },
    },
    { subject: 'orders.text', data: 'zwölf' },
    { subject: 'orders.bytes', data: { base64: '/wA=' } },
    { subject: 'orders.trick', data: '1,"subject":"other"' },
    { subject: 'orders.empty', data: '' },
  ]);
  const [first, second, third] = follower.items;
  expect(first?.event).toMatchObject({ event_id: 'm1', event_type: 'nats.message' });
  expect(first && payloadText(first.event)).toContain('"data":{"n":12345678901234567890}');
  expect(first).not.toHaveProperty('cursor');
  expect(second?.event.event_id).not.toBe(third?.event.event_id);
});

test('reconnects after an outage and reports a possible gap', async () => {
  const follower = follow('orders.>');
  await follower.until(isConnected);
  await stopNats(server);
  await follower.until(({ states }) => states.includes('reconnecting'));
  server = await startNats(port);
  await follower.until(({ states }) => states.at(-1) === 'connected');
  expect(follower.states).toEqual(['connecting', 'connected', 'disconnected', 'reconnecting', 'connected']);
  expect(follower.gaps).toEqual([{ message: expect.stringContaining('NATS does not retain') }]);
  await publisher.flush();
  publisher.publish('orders.new', '{"n":1}');
  await follower.until(({ items }) => items.length === 1);
});

test('drops messages that exceed the buffer, and reports how many', async () => {
  const ending = new AbortController();
  const gaps: number[] = [];
  const watcher = { onState: () => {}, onGap: ({ missed = 0 }: StreamGap) => void gaps.push(missed) };
  const many = new NatsSource({ servers: [`127.0.0.1:${port}`], subject: 'many' }).open();
  const events = many.follow(watcher, ending.signal)[Symbol.asyncIterator]();
  const first = events.next();
  let isTaken = false;
  first.then(() => {
    isTaken = true;
  });
  let published = 0;
  // Wait for the subscription, then publish more messages than the buffer holds.
  for (; !isTaken || published < 30_000; published += 1) {
    publisher.publish('many', 'x');
    if (published % 100 === 0) await publisher.flush();
  }
  let taken = 1;
  for (; gaps.length === 0; taken += 1) await events.next();
  ending.abort();
  await events.return?.();
  expect(taken).toBe(2);
  expect(gaps[0]).toBeGreaterThan(0);
  expect((gaps[0] ?? 0) + 10_000).toBeLessThanOrEqual(published);
});

test('gives up on an unreachable server, and names its address without secrets', async () => {
  const nowhere = await freePort();
  const follower = follow('a', [`nats://me:secret@127.0.0.1:${nowhere}`]);
  const error = await follower.ended;
  expect(error).toMatchObject({ kind: 'network', code: 'unreachable', param: 'servers' });
  expect(String(error)).toContain(`127.0.0.1:${nowhere}`);
  expect(String(error)).not.toContain('secret');
});

test.each(['a b', '', 'orders..new', '>.a', 'a.>.b'])('refuses the subject %j', async (subject) => {
  expect(await follow(subject).ended).toMatchObject({ kind: 'usage', param: 'subject' });
});

test('a server that requires credentials gets those of its address, and its refusal ends the source', async () => {
  const guarded = await freePort();
  const other = await startNats(guarded, ['--user', 'me', '--pass', 'p@ss']);
  try {
    const allowed = follow('a', [`nats://me:p%40ss@127.0.0.1:${guarded}`]);
    await allowed.until(isConnected);
    const refused = await follow('a', [`nats://127.0.0.1:${guarded}`]).ended;
    expect(refused).toMatchObject({ kind: 'auth', code: 'nats_refused' });
  } finally {
    await stopNats(other);
  }
});

async function startNats(at: number, more: readonly string[] = []): Promise<ChildProcess> {
  const program = await findProgram({ name: 'nats-server', debianPackage: 'nats-server' });
  const child = spawn(program, ['-a', '127.0.0.1', '-p', String(at), ...more], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const failed = once(child, 'error').then(([error]) => {
    throw new Error(`${program} could not be started`, { cause: error });
  });
  const isReady = (async () => {
    for await (const line of createInterface(child.stderr)) if (line.includes('Server is ready')) return;
    throw new Error('the NATS server ended before it was ready');
  })();
  await Promise.race([isReady, failed]);
  // Drain the server log, or a full pipe would block the server.
  child.stderr.resume();
  return child;
}

async function stopNats(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
