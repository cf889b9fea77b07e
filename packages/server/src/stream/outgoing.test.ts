import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { Outgoing, outgoingMemory } from './outgoing.js';

const SIZE = 32 * 1024 * 1024;
const content = Buffer.alloc(SIZE);
const page = { payloads: [content], messages: 1, next: 1, isTail: true, isEnd: false };

test('a client that reads nothing is disconnected, and its memory is released', async () => {
  const budget = outgoingMemory(2 * SIZE, SIZE);
  const server = createServer((request, response) => {
    const share = budget.share('p');
    const outgoing = new Outgoing({
      request,
      response,
      share,
      isAllowed: async () => true,
      stallMs: request.url === '/patient' ? 60_000 : 100,
    });
    try {
      outgoing.hold(page);
      response.end(content);
    } catch {
      response.writeHead(429).end();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The cast holds for a server on TCP.
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/`;
  const open = async (path: string) => {
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
    await once(socket, 'readable');
    return socket;
  };
  const status = async () => {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.status;
  };

  const stalled = await open('/stalled');
  expect(await status()).toBe(429);
  expect(() => budget.share('q').take(SIZE)).not.toThrow();
  await vi.waitFor(async () => expect(await status()).toBe(200), { timeout: 10_000 });
  stalled.destroy();

  // A slow client that does read gets everything, long after the limit for a stalled one.
  const slow = await open('/slow');
  let taken = 0;
  while (taken < SIZE) {
    const chunk = slow.read(Math.min(slow.readableLength, 1024 * 1024)) as Buffer | null;
    taken += chunk?.length ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(slow.closed).toBe(false);
  }
  slow.destroy();
  server.close();
}, 30_000);
