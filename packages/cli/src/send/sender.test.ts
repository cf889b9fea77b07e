/** Sending to a server with typical failures. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import { ApiClient } from '../api/client.js';
import { CliError } from '../cli-error.js';
import { Delivery } from './delivery.js';
import { eventsOfLines } from './event-source.js';
import { type SendCounts, Sender } from './sender.js';

type Handler = (ids: string[], response: ServerResponse, request: number) => void;

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function listen(handler: Handler): Promise<string> {
  let count = 0;
  server = createServer((request, response) => {
    void readAll(request).then((body) => {
      const lines = gunzipSync(body).toString().trim().split('\n');
      const ids = lines.map((line) => (JSON.parse(line) as { event_id: string }).event_id);
      count += 1;
      handler(ids, response, count);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function accept(ids: string[], response: ServerResponse): void {
  response.writeHead(202, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ accepted: ids.length, duplicates: 0, rejected: 0 }));
}

function refuse(response: ServerResponse, status: number, code: string, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
  response.end(JSON.stringify({ code, detail: code }));
}

async function send(url: string, events: number, retryForMs = 10_000): Promise<SendCounts> {
  const delivery = new Delivery(new ApiClient(url, 'token'), { retryForMs, firstRetryForMs: 0 });
  const sender = new Sender(delivery, { rejected: () => {}, progressed: () => {} });
  const text = Array.from({ length: events }, (_, i) => `{"event":"e${i}","timestamp":1700000000001}\n`).join(
    '',
  );
  const source = (async function* () {
    yield Buffer.from(text);
  })();
  let id = 0;
  return await sender.send(eventsOfLines(source, null, () => `id-${id++}`));
}

it('retries a rejected batch with the same ids, and not before Retry-After', async () => {
  const requests: { at: number; ids: string }[] = [];
  const url = await listen((ids, response, count) => {
    requests.push({ at: performance.now(), ids: ids.join() });
    if (count === 1) refuse(response, 503, 'ingest_full', { 'retry-after': '1' });
    else if (count === 2) response.destroy();
    else if (count === 3) refuse(response, 500, 'token_store_down');
    else accept(ids, response);
  });
  expect(await send(url, 10)).toEqual({ sent: 10, accepted: 10, duplicates: 0, rejected: 0 });
  expect(requests).toHaveLength(4);
  expect(new Set(requests.map(({ ids }) => ids)).size).toBe(1);
  expect((requests[1]?.at ?? 0) - (requests[0]?.at ?? 0)).toBeGreaterThanOrEqual(990);
});

it('gives up at once if Retry-After exceeds the retry limit', async () => {
  const url = await listen((_ids, response) =>
    refuse(response, 503, 'ingest_disabled', { 'retry-after': '300' }),
  );
  const started = performance.now();
  await expect(send(url, 10)).rejects.toMatchObject({ code: 'ingest_disabled', kind: 'failed' });
  expect(performance.now() - started).toBeLessThan(5_000);
});

it('halves a batch that is too large for the server, and rejects only a single event that is too large', async () => {
  const url = await listen((ids, response) => {
    if (ids.length > 7 || ids.includes('id-3')) refuse(response, 413, 'body_too_large');
    else accept(ids, response);
  });
  expect(await send(url, 100)).toEqual({ sent: 100, accepted: 99, duplicates: 0, rejected: 1 });
});

it('sends at most 1,000 events and 1 MiB per request, and four requests at a time', async () => {
  let underWay = 0;
  let most = 0;
  const sizes: number[] = [];
  const url = await listen((ids, response) => {
    underWay += 1;
    most = Math.max(most, underWay);
    sizes.push(ids.length);
    setImmediate(() => {
      underWay -= 1;
      accept(ids, response);
    });
  });
  expect((await send(url, 20_500)).accepted).toBe(20_500);
  expect(Math.max(...sizes)).toBe(1_000);
  expect(most).toBeLessThanOrEqual(4);
});

it('reports an unreachable server at once', async () => {
  const url = await listen(() => {});
  await new Promise((resolve) => server?.close(resolve));
  const failure = await send(url, 1).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(CliError);
  expect(failure).toMatchObject({
    kind: 'network',
    message: expect.stringContaining('nothing listens there'),
  });
});
