/** The published Durable Streams client against the real server, which is killed in between. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DurableStream, IdempotentProducer, stream } from '@durable-streams/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { usageFile } from './harness/usage-file.js';
import { WeirProcess, waitUntil } from './index.js';

interface Item {
  readonly n: number;
}

let weir: WeirProcess;

beforeAll(async () => {
  weir = await new WeirProcess({ WEIR_USAGE_SINKS: 'file' }).start();
});
afterAll(async () => await weir?.dispose());

/** Repeats a request until the server responds; the client leaves retries to the user of its producer. */
const patientFetch: typeof fetch = async (input, init) => {
  for (;;) {
    const response = await fetch(input, init).catch(() => null);
    if (response !== null && response.status < 500) return response;
    await sleep(50);
  }
};

/** Reads a stream to its end, from where it was whenever the connection breaks. */
class Reader {
  readonly seen: number[] = [];
  readonly done: Promise<void>;
  #offset = '-1';

  constructor(url: string, live: 'sse' | 'long-poll') {
    this.done = this.#read(url, live);
  }

  async #read(url: string, live: 'sse' | 'long-poll'): Promise<void> {
    for (;;) {
      try {
        const headers = { authorization: `Bearer ${weir.key}` };
        const response = await stream<Item>({ url, headers, live, offset: this.#offset, json: true });
        response.subscribeJson(async ({ items, offset }) => {
          this.seen.push(...items.map(({ n }) => n));
          this.#offset = offset;
        });
        await response.closed;
        if (response.streamClosed) return;
      } catch {
        // The server was killed.
      }
      await sleep(100);
    }
  }
}

it('loses nothing and reads nothing twice, though the server is killed while it writes and reads', async () => {
  const url = `${weir.url}/v1/stream/runs/42/tokens`;
  const headers = { authorization: `Bearer ${weir.key}` };
  const handle = await DurableStream.create({ url, headers, contentType: 'application/json' });
  const errors: Error[] = [];
  const producer = new IdempotentProducer(handle, 'writer', {
    maxBatchBytes: 200,
    lingerMs: 1,
    fetch: patientFetch,
    onError: (error) => errors.push(error),
  });
  const readers = [new Reader(url, 'sse'), new Reader(url, 'long-poll')];
  const COUNT = 8000;
  let next = 0;
  const produceUntil = (end: number) => {
    for (; next < end; next++) producer.append(JSON.stringify({ n: next }));
  };
  for (const at of [1000, 4000]) {
    produceUntil(at);
    await waitUntil(`${at} items`, () => readers.every(({ seen }) => seen.length >= at));
    // Of these some are on their way when it is killed.
    produceUntil(at + 2000);
    await waitUntil('more', () => readers.every(({ seen }) => seen.length > at));
    await weir.killAll();
    await weir.start('live');
  }
  produceUntil(COUNT);
  await producer.flush();
  await producer.close();
  await Promise.all(readers.map(({ done }) => done));
  const all = Array.from({ length: COUNT }, (_, n) => n);
  for (const { seen } of readers) expect(seen).toEqual(all);
  expect(errors).toEqual([]);

  const response = await stream<Item>({ url, headers, live: false });
  expect((await response.json()).map(({ n }) => n)).toEqual(all);
  await expect(handle.append(JSON.stringify({ n: COUNT }))).rejects.toMatchObject({ status: 409 });
});

it('is told of a key that may not, and of a stream of another project as if there were none', async () => {
  const url = `${weir.url}/v1/stream/mine`;
  const own = { authorization: `Bearer ${weir.key}` };
  await DurableStream.create({ url, headers: own, contentType: 'text/plain', body: 'mine' });
  const { body } = await weir.operator('POST', '/projects', { name: 'other' });
  const { api_key: other } = body as { api_key: string };
  const foreign = { authorization: `Bearer ${other}` };
  await expect(stream({ url, headers: foreign, live: false })).rejects.toMatchObject({ status: 404 });
  await DurableStream.create({ url, headers: foreign, contentType: 'text/plain', body: 'other' });
  await DurableStream.delete({ url, headers: foreign });
  expect(await (await stream({ url, headers: own, live: false })).text()).toBe('mine');
  const headers = { authorization: `Bearer ${weir.token}` };
  await expect(stream({ url, headers, live: false })).rejects.toMatchObject({ status: 401 });
});

const authorized = () => ({ authorization: `Bearer ${weir.key}`, 'content-type': 'application/json' });
const call = (method: string, name: string, more: { headers?: Record<string, string>; body?: string } = {}) =>
  weir.request(method, `/v1/stream/${name}`, { ...more, headers: { ...authorized(), ...more.headers } });

it('ends who waits and who follows when the server stops, and goes on from there with the next', async () => {
  const created = await call('PUT', 'stays', { body: '[1]' });
  const offset = created.headers.get('stream-next-offset');
  const polling = call('GET', `stays?offset=${offset}&live=long-poll`);
  const url = `${weir.url}/v1/stream/stays?offset=${offset}&live=sse`;
  const followed = (await fetch(url, { headers: authorized() })).body?.pipeThrough(new TextDecoderStream());
  const following = followed?.getReader();
  // The poll was sent before the follower: when the follower has its first event, the poll waits.
  expect((await following?.read())?.value).toContain(`"streamNextOffset":"${offset}"`);
  const stopping = performance.now();
  await weir.stop();
  expect(await polling).toMatchObject({ status: 204 });
  expect(await following?.read()).toMatchObject({ done: true });
  expect(performance.now() - stopping).toBeLessThan(9_500);
  await weir.start();
  await call('POST', 'stays', { body: '[2,3]' });
  expect((await call('GET', `stays?offset=${offset}`)).text).toBe('[2,3]');
});

it('meters what is appended and read, refuses what is too large, and keeps names for processes', async () => {
  await call('PUT', 'metered');
  const body = JSON.stringify(Array.from({ length: 30 }, (_, n) => `${n}${'x'.repeat(5000)}`));
  expect((await call('POST', 'metered', { body })).status).toBe(204);
  expect((await call('GET', 'metered')).text).toBe(body);
  const fuel = await waitUntil('their records', () => {
    const own = usageFile(weir).filter(({ tenant }) => tenant === weir.project);
    const last = (stack: string) => own.findLast((record) => record.stack === stack)?.fuel;
    const [append, read] = [last('channel:POST /v1/stream/*'), last('channel:GET /v1/stream/*')];
    return append !== undefined && read !== undefined && append > 40 && read > 10 && { append, read };
  });
  // A request is 10, a message 1, 64 KiB 1, ten delivered 1.
  expect(fuel).toEqual({ append: 10 + 30 + 2, read: 10 + 3 });

  const large = await call('POST', 'metered', { body: 'x'.repeat(10 * 1024 * 1024 + 1) });
  expect([large.status, JSON.parse(large.text).code]).toEqual([413, 'body_too_large']);
  expect((await call('GET', '-/process/channel')).status).toBe(404);
  for (const method of ['PUT', 'DELETE', 'PATCH']) {
    expect((await call(method, '-/process/channel')).status).toBe(405);
  }
  const page = await call('GET', 'metered', { headers: { origin: 'https://elsewhere.example' } });
  expect([page.status, JSON.parse(page.text).code]).toEqual([403, 'origin_not_allowed']);
});
