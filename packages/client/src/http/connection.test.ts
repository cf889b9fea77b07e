import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from 'vitest';
import { Connection } from './connection.js';

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
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

/** Answers with a head and half a document, and stalls. */
const stall: RequestListener = (_, response) => {
  response.setHeader('content-type', 'application/json').write('{"half":');
};

/** Runs the garbage collector again and again while `work` runs. */
async function underGarbage<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(collect, 20);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

const call = { path: '/', patienceMs: 0 } as const;

test('a call ends after its time limit when the server stalls in mid-body, whatever was collected', async () => {
  const weir = new Connection({ url: await serve(stall), credential: 'weir_sec_x' });
  await underGarbage(() =>
    expect(weir.json({ ...call, timeoutMs: 300 })).rejects.toMatchObject({ code: 'unreachable' }),
  );
}, 10_000);

test('a call ends with the signal of its caller when the server stalls in mid-body', async () => {
  const weir = new Connection({ url: await serve(stall), credential: 'weir_sec_x' });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 300);
  await underGarbage(() =>
    expect(weir.json({ ...call, signal: controller.signal })).rejects.toMatchObject({ code: 'cancelled' }),
  );
}, 10_000);

test.each([
  ['seconds', () => '7', 7_000],
  ['an HTTP date', () => new Date(Date.now() + 60_000).toUTCString(), 60_000],
])('an error carries the wait that Retry-After asks for in %s', async (_, header, waitMs) => {
  const url = await serve((_request, response) => {
    response.writeHead(503, { 'retry-after': header() }).end('{"code":"draining"}');
  });
  const weir = new Connection({ url, credential: 'weir_sec_x' });
  const error: unknown = await weir.json(call).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'draining' });
  const { retryAfterMs = 0 } = error as { retryAfterMs?: number };
  // A date has whole seconds, and the request took some of them.
  expect(retryAfterMs).toBeLessThanOrEqual(waitMs);
  expect(retryAfterMs).toBeGreaterThan(waitMs - 5_000);
});
