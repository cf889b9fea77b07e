import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { boundUnread } from './body/drop-rest.js';
import { ConnectionLimit } from './connection-limit.js';
import { frontDoor } from './front-door.js';

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function listen(
  serve: RequestListener,
  guard = (_server: Server): void => {},
  onRequest = (_request: IncomingMessage): void => {},
): Promise<number> {
  server = createServer(frontDoor(serve, onRequest));
  guard(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The cast holds for a server on TCP.
  return (server.address() as AddressInfo).port;
}

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';

async function textOf(port: number, sent: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(sent);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(socket, 'close');
  return text;
}

test('requests that arrive together are answered in order, over several turns of the event loop', async () => {
  let turn = 0;
  const turns = new Set<number>();
  let served = 0;
  const port = await listen((_request, response) => {
    turns.add(turn);
    const end = performance.now() + 5;
    while (performance.now() < end);
    served += 1;
    if (served === 16) response.setHeader('connection', 'close');
    response.end(`<${served}>`);
  });
  const count = setInterval(() => {
    turn += 1;
  }, 0);
  const text = await textOf(port, GET.repeat(16));
  clearInterval(count);
  expect([...text.matchAll(/<(\d+)>/g)].map(([, n]) => Number(n))).toEqual(
    Array.from({ length: 16 }, (_, i) => i + 1),
  );
  expect(turns.size).toBeGreaterThanOrEqual(5);
});

test('a connection with too many unanswered requests is closed', async () => {
  let served = 0;
  const port = await listen(() => {
    served += 1;
  });
  expect(await textOf(port, GET.repeat(500))).toBe('');
  expect(served).toBeLessThanOrEqual(16);
});

test.each(['GET', 'POST'])(
  'a %s whose body no route reads is closed when it arrives in tiny chunks',
  async (method) => {
    const port = await listen((request, response) => {
      boundUnread(request, response);
      response.end('ok');
    });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(`${method} / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`);
    const chunks = '1\r\nx\r\n'.repeat(20_000);
    const pump = (): void => {
      while (!socket.destroyed && socket.write(chunks));
    };
    socket.on('drain', pump);
    pump();
    await closed;
    expect(socket.bytesWritten).toBeLessThan(20_000_000);
  },
);

test('a small body that no route reads leaves the connection usable', async () => {
  const port = await listen((request, response) => {
    boundUnread(request, response);
    response.end('ok');
  });
  const first = GET.replace('host', 'content-length: 3\r\nhost');
  const text = await textOf(port, `${first}abc${GET.replace('host', 'connection: close\r\nhost')}`);
  expect(text.match(/200 OK/g)).toHaveLength(2);
});

test('connections of one address beyond the limit get 429, until others are closed', async () => {
  let refused = 0;
  const limit = new ConnectionLimit(2, () => {
    refused += 1;
  });
  const port = await listen(
    (_request, response) => response.end('ok'),
    (one) => limit.guard(one),
  );
  const held = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  await Promise.all(held.map((socket) => once(socket, 'connect')));
  const text = await textOf(port, GET);
  expect(text).toMatch(/^HTTP\/1\.1 429 .*retry-after: 1.*"code":"at_capacity".*"limit":2/s);
  expect(refused).toBe(1);
  held[0]?.destroy();
  const answer = async () => await textOf(port, GET.replace('host', 'connection: close\r\nhost'));
  await expect.poll(answer).toMatch(/^HTTP\/1\.1 200/);
});

test('a proxy that forwards for others on a private address may have any number of connections', async () => {
  const limit = new ConnectionLimit(1, () => {});
  const port = await listen(
    (_request, response) => response.end('ok'),
    (one) => limit.guard(one),
    (request) => limit.noteProxy(request),
  );
  const first = connect(port, '127.0.0.1');
  first.write(GET.replace('host', 'x-forwarded-for: 192.0.2.1\r\nhost'));
  await once(first, 'data');
  expect(await textOf(port, GET.replace('host', 'connection: close\r\nhost'))).toMatch(/^HTTP\/1\.1 200/);
  first.destroy();
});
