import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { keepAlive } from './heartbeat.js';

const PACE = { pingMs: 20, silenceMs: 200 };
const LENGTH = 50;
const MIB = 1024 * 1024;

let server: ReturnType<typeof createServer>;
let socket: WebSocket;
/** A client that answers no ping. */
let client: Socket;

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new WebSocketServer({ noServer: true });
  const accepted = new Promise<WebSocket>((resolve) => {
    server.on('upgrade', (request, stream, head) => {
      sockets.handleUpgrade(request, stream, head, (accepted) => {
        keepAlive(accepted, request.socket, PACE);
        resolve(accepted);
      });
    });
  });
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {});
  client.write(
    'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
      'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  socket = await accepted;
});
afterEach(() => {
  client.destroy();
  server.close();
});

test('a client that sends a long frame for longer than the silence limit stays connected', async () => {
  const message = once(socket, 'message');
  client.resume();
  // Masked with zeros.
  client.write(Buffer.from([0x82, 0x80 | LENGTH, 0, 0, 0, 0]));
  for (let i = 0; i < LENGTH; i++) {
    client.write('x');
    await delay(10);
  }
  expect(String((await message)[0])).toBe('x'.repeat(LENGTH));
});

test('a client that reads frames for longer than the silence limit stays connected', async () => {
  const frame = Buffer.alloc(MIB);
  const frames = 40;
  const begun = performance.now();
  let taken = 0;
  client.on('data', (chunk) => {
    taken += chunk.length;
    client.pause();
    setTimeout(() => client.resume(), 1);
  });
  for (let n = 0; n < frames; n++) await new Promise<unknown>((resolve) => socket.send(frame, resolve));
  while (taken < frames * MIB && !client.closed) await delay(5);
  expect(taken).toBeGreaterThanOrEqual(frames * MIB);
  expect(performance.now() - begun).toBeGreaterThan(PACE.silenceMs);
});

test('a client that neither sends nor reads is disconnected', async () => {
  client.pause();
  const closed = once(socket, 'close');
  const sending = setInterval(() => socket.send(Buffer.alloc(MIB)), 10);
  await closed.finally(() => clearInterval(sending));
});
