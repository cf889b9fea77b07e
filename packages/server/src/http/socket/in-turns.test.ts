import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { Brake } from './brake.js';
import { onMessages } from './in-turns.js';

async function pair(handle: (frame: Buffer, end: () => void) => void) {
  const http = createServer().listen(0, '127.0.0.1');
  const server = new WebSocketServer({ server: http, autoPong: false });
  const ended = new Promise<void>((resolve) => {
    server.on('connection', (socket) =>
      onMessages(socket, new Brake(socket), (frame) => handle(frame, resolve)),
    );
  });
  await once(http, 'listening');
  // The cast holds for a server on TCP.
  const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
  await once(client, 'open');
  const close = (): void => {
    client.terminate();
    server.close();
    http.close();
  };
  return { client, ended, close };
}

test('thousands of small frames are handled in order, over many turns of the event loop', async () => {
  let turn = 0;
  const count = setInterval(() => {
    turn += 1;
  }, 0);
  const turns = new Set<number>();
  const got: number[] = [];
  const { client, ended, close } = await pair((frame, end) => {
    const busy = performance.now() + 0.1;
    while (performance.now() < busy);
    turns.add(turn);
    got.push(Number(frame.toString()));
    if (got.length === 3_000) end();
  });
  for (let i = 0; i < 3_000; i += 1) client.send(String(i));
  await ended;
  clearInterval(count);
  close();
  expect(got).toEqual(Array.from({ length: 3_000 }, (_, i) => i));
  expect(turns.size).toBeGreaterThan(10);
});

test('frames that arrived before the client closed are all handled', async () => {
  const got: number[] = [];
  const { client, ended, close } = await pair((frame, end) => {
    const busy = performance.now() + 1;
    while (performance.now() < busy);
    got.push(Number(frame.toString()));
    if (got.length === 100) end();
  });
  for (let i = 0; i < 100; i += 1) client.send(String(i));
  client.close(1000);
  await ended;
  close();
  expect(got).toHaveLength(100);
});

test('of many pings in one read the newest is answered', async () => {
  const { client, close } = await pair(() => {});
  const answers: string[] = [];
  client.on('pong', (data: Buffer) => answers.push(data.toString()));
  for (let i = 0; i < 5_000; i += 1) client.ping(String(i));
  await expect.poll(() => answers.at(-1)).toBe('4999');
  expect(answers.length).toBeLessThan(1_000);
  close();
});

test('a ping is answered', async () => {
  const { client, close } = await pair(() => {});
  client.ping('x');
  const [data] = (await once(client, 'pong')) as [Buffer];
  close();
  expect(data.toString()).toBe('x');
});
