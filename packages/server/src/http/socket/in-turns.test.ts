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

test('a ping is answered', async () => {
  const { client, close } = await pair(() => {});
  client.ping('x');
  const [data] = (await once(client, 'pong')) as [Buffer];
  close();
  expect(data.toString()).toBe('x');
});
