import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { ApiClient } from './client.js';

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
  // The cast holds: the address of a TCP server is an object.
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

/** Sends headers and half a document, then stalls. */
const stall: RequestListener = (_, response) => {
  response.setHeader('content-type', 'application/json').write('{"half":');
};

/** Runs the garbage collector repeatedly while `work` runs. */
async function underGarbage<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(collect, 20);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

test('a request times out when the server stalls in mid-body, even after a garbage collection', async () => {
  const api = new ApiClient(await serve(stall), null);
  await underGarbage(() =>
    expect(api.json(z.unknown(), { path: '/', timeoutMs: 300 })).rejects.toMatchObject({ kind: 'network' }),
  );
}, 10_000);
