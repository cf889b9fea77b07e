/** The live feed: every accepted event of a project, once, in order, from where one left. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FeedClient } from './harness/feed-client.js';
import { usageFile } from './harness/usage-file.js';
import { Load, WeirProcess, waitUntil } from './index.js';

let weir: WeirProcess;
const clients: FeedClient[] = [];

beforeAll(async () => {
  weir = await new WeirProcess({ WEIR_USAGE_SINKS: 'file' }).start();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => await weir?.dispose());

const path = (search = '') => `/api/v1/projects/${weir.project}/feed${search}`;

function follow(search = '', lastEventId: string | null = null): FeedClient {
  const client = new FeedClient(weir.url + path(search), weir.key, lastEventId);
  clients.push(client);
  return client;
}

async function live(search = ''): Promise<FeedClient> {
  const client = follow(search);
  await waitUntil('the feed', () => client.isOpen);
  return client;
}

async function send(count: number, event = 'e', more: object = {}): Promise<string[]> {
  const events = Array.from({ length: count }, () => ({
    event,
    event_id: randomUUID(),
    timestamp: Date.now(),
    ...more,
  }));
  expect((await weir.send({ events })).status).toBe(202);
  return events.map(({ event_id }) => event_id);
}

const get = async (search: string, credential = weir.key) => {
  const { status, text } = await weir.request('GET', path(search), {
    headers: { authorization: `Bearer ${credential}` },
  });
  return { status, body: JSON.parse(text) as Record<string, unknown> };
};

describe('following', () => {
  it('delivers what is accepted from now on, as it was sent', async () => {
    await send(3);
    const client = await live();
    const [id] = await send(1, 'signup', {
      user_id: 'u1',
      timestamp: '2026-11-21T10:00:00.123Z',
      properties: { n: 1, big: '12345678901234567890', text: 'zwei\nZeilen ✓', nested: { a: [1, null] } },
      plan: 'pro',
    });
    await waitUntil('the event', () => client.events.length > 0);
    expect(client.events).toEqual([
      {
        cursor: expect.stringMatching(/^[\w-]{14}$/),
        event: 'signup',
        event_id: id,
        user_id: 'u1',
        timestamp: '2026-11-21T10:00:00.123Z',
        received_at: expect.stringMatching(/^\d{4}-.*Z$/),
        properties: { n: 1, big: '12345678901234567890', text: 'zwei\nZeilen ✓', nested: { a: [1, null] } },
        extras: { plan: 'pro' },
      },
    ]);
  });

  it('delivers to each who follows, filtered by names, duplicates never', async () => {
    const [all, some] = [await live(), await live('?event=one&event=two')];
    const one = await send(2, 'one');
    const other = await send(2, 'other');
    const two = await send(1, 'two');
    const repeated = { event: 'one', event_id: one[0], timestamp: Date.now() };
    await weir.send({ events: [repeated] });
    const last = await send(1, 'one');
    await waitUntil('the last', () => some.ids.includes(last[0] ?? '') && all.ids.includes(last[0] ?? ''));
    expect(all.ids).toEqual([...one, ...other, ...two, ...last]);
    expect(some.ids).toEqual([...one, ...two, ...last]);
  });

  it('goes on from a cursor, from the beginning, from a time', async () => {
    const first = await send(5, 'past');
    const between = new Date().toISOString();
    await waitUntil('a later time', () => new Date().toISOString() > between);
    const second = await send(5, 'past');
    const earliest = follow('?after=earliest&event=past');
    await waitUntil('history', () => earliest.ids.length >= 10);
    expect(earliest.ids).toEqual([...first, ...second]);
    const cursor = earliest.events[6]?.cursor ?? '';
    const [from, resumed, since] = [
      follow(`?after=${cursor}`),
      follow('?after=earliest', cursor),
      follow(`?after=${encodeURIComponent(between)}`),
    ];
    await waitUntil(
      'the rest',
      () => from.ids.length >= 3 && resumed.ids.length >= 3 && since.ids.length >= 5,
    );
    expect(from.ids).toEqual(second.slice(2));
    expect(resumed.ids).toEqual(second.slice(2));
    expect(since.ids).toEqual(second);
  });

  it('ends with the newest item of the start, or with that of a cursor, and says so', async () => {
    const ids = await send(600, 'bounded', { properties: { pad: 'x'.repeat(400) } });
    const read = async (search: string) => {
      const headers = { authorization: `Bearer ${weir.key}` };
      const text = await (await fetch(weir.url + path(search), { headers })).text();
      const seen = [...text.matchAll(/"event_id":"([^"]+)"/g)].map(([, id]) => id);
      return { seen, end: /event: end\ndata: \{"cursor":"([^"]+)"\}\n\n$/.exec(text)?.[1] ?? '' };
    };
    const all = await read('?after=earliest&until=latest&event=bounded');
    expect(all.seen).toEqual(ids);
    await send(1, 'bounded');
    expect(await read(`?after=earliest&until=${all.end}&event=bounded`)).toEqual(all);
    expect(await read(`?until=${all.end}`)).toMatchObject({ seen: [] });
    // The last items wanted are of other names: the end is reached all the same.
    expect(await read('?after=earliest&until=latest&event=nothing')).toMatchObject({ seen: [] });
  });

  it('keeps projects apart', async () => {
    const { body } = await weir.operator('POST', '/projects', { name: 'neighbour' });
    const other = body as { id: string; ingest_token: string; api_key: string };
    const mine = await live();
    const theirs = new FeedClient(
      `${weir.url}/api/v1/projects/${other.id}/feed?after=earliest`,
      other.api_key,
    );
    clients.push(theirs);
    await waitUntil('both feeds', () => theirs.isOpen);
    const event = { event: 'secret', event_id: 'of the neighbour', timestamp: Date.now() };
    await weir.send({ events: [event] }, { authorization: `Bearer ${other.ingest_token}` });
    const own = await send(1);
    await waitUntil('both events', () => theirs.ids.length > 0 && mine.ids.length > 0);
    expect(theirs.ids).toEqual(['of the neighbour']);
    expect(mine.ids).toEqual(own);
    expect((await get('', other.api_key)).status).toBe(404);
  });

  it('is metered: one record a connection, an event delivered for a tenth of fuel', async () => {
    const rid = randomUUID();
    const aborted = new AbortController();
    const response = await fetch(weir.url + path('?event=metered'), {
      headers: { authorization: `Bearer ${weir.key}`, 'x-request-id': rid },
      signal: aborted.signal,
    });
    await send(45, 'metered');
    let text = '';
    const reader = response.body?.getReader();
    while (text.split('data: ').length < 46)
      text += Buffer.from((await reader?.read())?.value ?? []).toString();
    aborted.abort();
    const [record] = await waitUntil('the record', () => {
      const found = usageFile(weir).filter((line) => line.rid === rid);
      return found.length > 0 ? found : null;
    });
    expect(record).toMatchObject({
      stack: 'feed:GET /api/v1/projects/:id/feed',
      http_status: 200,
      fuel: 10 + 4,
    });
    expect(record?.bytes_out).toBeGreaterThanOrEqual(text.length);
  });

  it('a reader that is slow gets everything all the same', async () => {
    const socket = connect(weir.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `GET ${path('?event=slow')} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${weir.key}\r\n\r\n`,
    );
    await once(socket, 'data');
    socket.pause();
    const ids: string[] = [];
    // More than the kernel's buffers hold.
    for (let i = 0; i < 40; i += 1)
      ids.push(...(await send(500, 'slow', { properties: { pad: 'x'.repeat(500) } })));
    const pieces: Buffer[] = [];
    socket.on('data', (data: Buffer) => pieces.push(data));
    socket.resume();
    const last = ids.at(-1) ?? '';
    await waitUntil('the last', () => Buffer.concat(pieces.slice(-3)).includes(last), 60_000);
    const seen = [
      ...Buffer.concat(pieces)
        .toString()
        .matchAll(/"event_id":"([^"]+)"/g),
    ].map(([, id]) => id);
    expect(seen).toEqual(ids);
    socket.destroy();
  });
});

describe('refusals', () => {
  it.each([
    ['?after=nonsense', 400, 'invalid_request'],
    ['?until=nonsense', 400, 'invalid_request'],
    ['?until=2026-11-21T10:00:00Z', 400, 'invalid_request'],
    ['?stream=nothing', 400, 'invalid_request'],
    ['?name=e', 400, 'invalid_request'],
    ['?after=AAAAAAAAAAAAAA', 410, 'cursor_expired'],
  ])('%s: %d %s', async (search, status, code) => {
    expect(await get(search)).toMatchObject({ status, body: { code } });
  });

  it('of credentials that may not follow', async () => {
    expect(await get('', weir.token)).toMatchObject({ status: 401 });
    const { body } = await weir.operator('POST', `/projects/${weir.project}/keys`, { scopes: ['query'] });
    expect(await get('', (body as { api_key: string }).api_key)).toMatchObject({
      status: 403,
      body: { code: 'insufficient_scope' },
    });
  });
});

it('a client that follows sees every event once, through kills of the server', async () => {
  const server = await new WeirProcess({ WEIR_INGEST_FLUSH_INTERVAL: '200ms' }).start();
  const client = new FeedClient(
    `${server.url}/api/v1/projects/${server.project}/feed?after=earliest`,
    server.key,
  );
  try {
    const load = new Load({ url: server.url, token: server.token, batches: [20, 5, 1], seed: 7 });
    for (let kill = 0; kill < 3; kill += 1) {
      await load.progress(40);
      await server.killAll();
      await server.start();
    }
    await load.progress(40);
    await load.stop();
    await waitUntil('the feed', () => [...load.acknowledged].every((id) => client.ids.includes(id)), 60_000);
    expect(client.errors).toEqual([]);
    expect(new Set(client.ids).size).toBe(client.ids.length);
    const strange = client.ids.filter((id) => !load.acknowledged.has(id) && !load.abandoned.has(id));
    expect(strange).toEqual([]);
  } finally {
    client.close();
    await server.dispose();
  }
}, 180_000);

it('tells who comes too late what is gone, and goes on from the oldest', async () => {
  const server = await new WeirProcess({
    WEIR_FEED_RETENTION_BYTES: '200KiB',
    WEIR_INGEST_FLUSH_INTERVAL: '100ms',
  }).start();
  try {
    const feed = `${server.url}/api/v1/projects/${server.project}/feed`;
    const headers = { authorization: `Bearer ${server.key}` };
    const sendMany = async (from: number, length: number) => {
      const events = Array.from({ length }, (_, i) => ({
        event: 'e',
        event_id: `n${from + i}`,
        timestamp: Date.now(),
        properties: { pad: 'x'.repeat(1000) },
      }));
      await server.send({ events });
    };
    const first = new FeedClient(`${feed}?after=earliest`, server.key);
    // Less than is kept, so that all of it is seen.
    await sendMany(0, 100);
    await waitUntil('the first', () => first.ids.length >= 100);
    first.close();
    const cursor = first.events[0]?.cursor ?? '';
    await sendMany(100, 500);
    const expired = await waitUntil('retention', async () => {
      const response = await fetch(`${feed}?after=${cursor}`, {
        headers,
        signal: AbortSignal.timeout(2_000),
      });
      const text = response.status === 410 ? await response.text() : null;
      await response.body?.cancel().catch(() => {});
      return text;
    });
    const { code, oldest, missed } = JSON.parse(expired) as { code: string; oldest: string; missed: number };
    expect(code).toBe('cursor_expired');
    const rest = new FeedClient(`${feed}?after=${oldest}`, server.key);
    await waitUntil('the rest', () => rest.ids.at(-1) === 'n599');
    rest.close();
    // The first is the one the cursor stands behind.
    expect(rest.ids[0]).toBe(`n${1 + missed}`);
    expect(rest.ids.length).toBe(600 - 1 - missed);
  } finally {
    await server.dispose();
  }
});
