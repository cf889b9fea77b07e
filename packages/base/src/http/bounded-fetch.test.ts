import { getEventListeners } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from 'vitest';
import { boundedFetch } from './bounded-fetch.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Serves on loopback until the test ends; resolves with the URL. */
async function serve(listener: RequestListener): Promise<string> {
  const made = createServer(listener);
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  // The cast holds: a TCP server's address is an object.
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}/`;
}

/** Answers with a head and a first piece, then stalls; reports the end of the connection. */
function stalling(): { readonly listener: RequestListener; readonly closed: Promise<void> } {
  let resolve = (): void => {};
  const closed = new Promise<void>((whenClosed) => {
    resolve = whenClosed;
  });
  return {
    listener: (_, response) => {
      response.on('close', () => resolve());
      response.write('first piece');
    },
    closed,
  };
}

/** With this setting the `fetch` of Node 20 loses the signal of a request whose answer has begun. */
const LOSING = { redirect: 'error' } as const;

/** Ordinary garbage and its collection, during the read of a body. */
function collecting(): () => void {
  const timer = setInterval(() => {
    for (let i = 0; i < 1_000; i += 1) new Request('http://localhost/', { headers: { i: String(i) } });
    collect();
  }, 20);
  return () => clearInterval(timer);
}

test('a server that stalls within the body is abandoned after the time limit, despite garbage collection', async () => {
  const { listener, closed } = stalling();
  const url = await serve(listener);
  const response = await boundedFetch(url, { ...LOSING, timeoutMs: 1_500 });
  const stop = collecting();
  await expect(response.text()).rejects.toMatchObject({ name: 'TimeoutError' });
  await closed;
  stop();
}, 10_000);

test('a signal ends the reading of a body with its reason, despite garbage collection', async () => {
  const { listener, closed } = stalling();
  const url = await serve(listener);
  const controller = new AbortController();
  const response = await boundedFetch(url, { ...LOSING, signal: controller.signal });
  const stop = collecting();
  setTimeout(() => controller.abort('enough'), 300);
  await expect(response.text()).rejects.toBe('enough');
  await closed;
  stop();
}, 10_000);

test('the time limit applies before the head of the answer too', async () => {
  const url = await serve(() => {});
  const stop = collecting();
  await expect(boundedFetch(url, { timeoutMs: 200 })).rejects.toMatchObject({ name: 'TimeoutError' });
  stop();
}, 10_000);

test('an answer that was read leaves no listener on the signal, and cannot fail later', async () => {
  const url = await serve((_, response) => response.writeHead(201, { 'x-of': 'server' }).end('whole'));
  const { signal } = new AbortController();
  for (let i = 0; i < 3; i += 1) {
    const response = await boundedFetch(url, { signal, timeoutMs: 60_000 });
    expect([response.status, response.headers.get('x-of'), response.url]).toEqual([201, 'server', url]);
    expect(await response.text()).toBe('whole');
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
});

test('a body that its reader cancels ends the connection', async () => {
  const { listener, closed } = stalling();
  const response = await boundedFetch(await serve(listener));
  await response.body?.cancel();
  await closed;
});

test('an answer without a body and a previously aborted signal behave as in fetch', async () => {
  const url = await serve((_, response) => response.writeHead(204).end());
  expect((await boundedFetch(url)).status).toBe(204);
  await expect(boundedFetch(url, { signal: AbortSignal.abort('early') })).rejects.toBe('early');
});
