import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, expect, test, vi } from 'vitest';
import { ConnectionLimit } from '../connection-limit.js';
import type { MemoryBudget } from '../memory-budget.js';
import { problemOf } from '../problem-of.js';
import { remoteAddress } from '../remote-address.js';
import { bodyMemory } from './body-memory.js';
import { BodyReader } from './body-reader.js';
import { dropRest } from './drop-rest.js';
import { OpenBodies } from './open-bodies.js';
import { watchChunks } from './tiny-chunks.js';

const MIB = 1024 * 1024;
const sockets: Socket[] = [];
let server: Server;
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.closeAllConnections();
  server.close();
});

/** A server that answers with the length of each body, or the status and code of its rejection. */
async function serve(maxBytes: number, memoryBytes = 64 * MIB) {
  const open = new OpenBodies({ maxPerAddress: 100 });
  const memory: MemoryBudget = bodyMemory(memoryBytes, memoryBytes, (owner) =>
    open.endSlowest(memory, owner),
  );
  const connections = new ConnectionLimit(100, () => {});
  const addressOf = remoteAddress('');
  const reader = new BodyReader({ memory, memoryWithoutToken: memory, open, connections, addressOf });
  server = createServer(async (request, response) => {
    watchChunks(request);
    const share = reader.share('p');
    try {
      const text = `length ${(await reader.bytes(request, 'p', share, { maxBytes })).length}`;
      response.writeHead(200, { 'content-length': text.length }).end(text);
    } catch (error) {
      const { status, code } = problemOf(error);
      response.writeHead(status, { 'content-length': code.length }).end(code);
      dropRest(request);
    } finally {
      share.release();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The cast holds for a server on TCP.
  return { port: (server.address() as AddressInfo).port, memory, open };
}

function start(port: number, head: string, body: Uint8Array | string = ''): Socket {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  socket.write(`POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${head}\r\n\r\n`);
  socket.write(body);
  return socket;
}

async function answerOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(socket, 'close');
  return `${/^HTTP\/1.1 (\d+)/.exec(text)?.[1]} ${text.split('\r\n\r\n').at(-1)}`;
}

const lengthOf = (body: Uint8Array) => `content-length: ${body.length}`;

test.each([
  ['', (body: Buffer) => body],
  ['\r\ncontent-encoding: gzip', gzipSync],
  ['\r\ncontent-encoding: br', brotliCompressSync],
] as const)('a body is read whole%s, and its memory given back', async (header, compress) => {
  const { port, memory, open } = await serve(MIB);
  for (const size of [0, 1, 70_000, MIB]) {
    const body = compress(Buffer.alloc(size, 'x'));
    expect(await answerOf(start(port, lengthOf(body) + header, body))).toBe(`200 length ${size}`);
  }
  expect([memory.bytes, open.count]).toEqual([0, 0]);
});

test('a body that is too long is rejected on the wire and while it is unpacked, with bounded memory', async () => {
  const { port, memory } = await serve(MIB);
  const bomb = brotliCompressSync(Buffer.alloc(64 * MIB));
  const answers = await Promise.all(
    Array.from({ length: 20 }, () =>
      answerOf(start(port, `${lengthOf(bomb)}\r\ncontent-encoding: br`, bomb)),
    ),
  );
  expect(new Set(answers)).toEqual(new Set(['413 body_too_large']));
  const long = Buffer.alloc(2 * MIB);
  expect(await answerOf(start(port, lengthOf(long), long))).toBe('413 body_too_large');
  const chunked = Buffer.concat([Buffer.from('200000\r\n'), long, Buffer.from('\r\n0\r\n\r\n')]);
  expect(await answerOf(start(port, 'transfer-encoding: chunked', chunked))).toBe('413 body_too_large');
  expect(memory.bytes).toBe(0);
});

test('thousands of chunks of a byte or two are rejected, a few are not', async () => {
  const { port, memory } = await serve(MIB);
  const chunks = (count: number) => `${'1\r\nx\r\n'.repeat(count)}0\r\n\r\n`;
  expect(await answerOf(start(port, 'transfer-encoding: chunked', chunks(500)))).toBe('200 length 500');
  expect(await answerOf(start(port, 'transfer-encoding: chunked', chunks(5_000)))).toBe(
    '400 invalid_request',
  );
  expect(memory.bytes).toBe(0);
});

test('only received bytes are charged, and released when the client disconnects', async () => {
  const { port, memory, open } = await serve(10 * MIB);
  const socket = start(port, `content-length: ${10 * MIB}`, Buffer.alloc(100_000));
  await vi.waitFor(() => expect(memory.bytes).toBeGreaterThanOrEqual(100_000));
  expect(memory.bytes).toBeLessThan(300_000);
  expect(open.count).toBe(1);
  socket.destroy();
  await vi.waitFor(() => expect([memory.bytes, open.count]).toEqual([0, 0]));
});

test('when memory runs out, a stalled body is ended in favour of an arriving one', async () => {
  const { port, memory } = await serve(2 * MIB, 4.5 * MIB);
  const stalled = start(port, `content-length: ${2 * MIB}`, Buffer.alloc(1.5 * MIB));
  const ended = answerOf(stalled);
  await vi.waitFor(() => expect(memory.bytes).toBeGreaterThan(1.5 * MIB));
  const body = Buffer.alloc(2 * MIB - 1);
  const send = () => answerOf(start(port, lengthOf(body), body));
  // Until the rate of the stalled body is measured, the new one is rejected.
  await vi.waitFor(async () => expect(await send()).toBe(`200 length ${body.length}`), { timeout: 10_000 });
  expect(await ended).toBe('408 body_too_slow');
}, 20_000);
