/** The feed's streams beside events: usage records and dead letters, each once, through kills of the server. */
import { randomUUID } from 'node:crypto';
import { type TestDatabase, testServer } from '@weir/postgres/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Consumer } from './harness/consumer.js';
import { FeedClient } from './harness/feed-client.js';
import { usageFile } from './harness/usage-file.js';
import { ClickHouseServer, killBuses, WeirProcess, waitUntil } from './index.js';

let database: TestDatabase;
let clickhouse: ClickHouseServer;
let weir: WeirProcess;
const clients: FeedClient[] = [];

beforeAll(async () => {
  [database, clickhouse] = await Promise.all([testServer(), ClickHouseServer.start()]);
  weir = await new WeirProcess({
    WEIR_CLICKHOUSE_URL: clickhouse.url,
    WEIR_POSTGRES_URL: database.url,
    WEIR_INGEST_FLUSH_INTERVAL: '50ms',
    WEIR_USAGE_SINKS: 'file',
  }).start();
  await waitUntil('ClickHouse', () => weir.answers('/readyz?for=query'));
  await clickhouse.direct.command(
    "ALTER TABLE weir_base.events_raw_v1 ADD CONSTRAINT good CHECK event != 'bad'",
  );
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  if (weir !== undefined) killBuses(weir.dataDir);
  await weir?.dispose();
  await Promise.all([database?.close(), clickhouse?.close()]);
});

function follow(stream: string, more = '&after=earliest'): FeedClient {
  const url = `${weir.url}/api/v1/projects/${weir.project}/feed?stream=${stream}${more}`;
  const client = new FeedClient(url, weir.key);
  clients.push(client);
  return client;
}

const call = async (method: string, path: string, body?: object) => {
  const { status, text } = await weir.request(method, `/api/v1/projects/${weir.project}${path}`, {
    headers: { authorization: `Bearer ${weir.key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status, body: JSON.parse(text) as Record<string, unknown> };
};

async function send(event: string, count: number): Promise<string[]> {
  const timestamp = Date.now();
  const events = Array.from({ length: count }, () => ({
    event,
    event_id: randomUUID(),
    user_id: 'u1',
    timestamp,
  }));
  await waitUntil(
    'the server to take them',
    async () => (await weir.send({ events }).catch(() => null))?.status === 202,
  );
  return events.map(({ event_id }) => event_id);
}

const ids = (client: FeedClient) => client.events.map(({ id }) => String(id));
const ingested = () =>
  usageFile(weir).filter(({ tenant, stack }) => tenant === weir.project && !stack.startsWith('feed:'));

describe('usage', () => {
  it('has each record of the project once, in order, through kills of the server; the feed’s own are none', async () => {
    const client = follow('usage');
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < 20; i += 1) await send('e', 1);
      await weir.kill();
      await weir.start();
    }
    await send('e', 1);
    await waitUntil('every record, here and in the file', () => {
      const expected = new Set(ingested().map(({ id }) => id));
      const seen = new Set(ids(client));
      return expected.size > 60 && seen.size === expected.size && [...seen].every((id) => expected.has(id));
    });
    expect(ids(client)).toEqual([...new Set(ids(client))]);
    const places = client.events.map(({ seq }) => Number(seq));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(client.events.at(-1)).toMatchObject({
      tenant: weir.project,
      stack: 'ingest:POST /api/v1/ingest/events',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      fuel: 11,
      billable: true,
    });
  }, 120_000);

  it('is chosen by what a request is called, goes on from a time, and is shared by groups', async () => {
    const before = new Date().toISOString();
    await call('GET', '/dlq');
    const client = follow(
      'usage',
      `&after=${before}&event=${encodeURIComponent('admin:GET /api/v1/projects/:id/dlq')}`,
    );
    await waitUntil('the record', () => client.events.length > 0);
    await call('PUT', '/feed/groups/bills', { stream: 'usage', from: before });
    const { body } = await call('POST', '/feed/groups/bills/pull', { max: 10 });
    const [first] = body.deliveries as { event: { id: string } }[];
    expect(first?.event.id).toBe(ids(client)[0]);
  });
});

describe('dead letters', () => {
  it('tells each event that was quarantined once, through kills of the server', async () => {
    const client = follow('dead_letters');
    const bad: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      bad.push(...(await send('bad', 5)));
      await send('good', 5);
      await weir.kill();
      await weir.start();
    }
    await weir.settled();
    await waitUntil('every dead letter', () => client.ids.length >= bad.length);
    expect(client.ids.toSorted()).toEqual(bad.toSorted());
    const { body } = await call('GET', `/dlq/letters?state=quarantined`);
    expect(new Set(ids(client))).toEqual(new Set((body.letters as { id: string }[]).map(({ id }) => id)));
    expect(client.events[0]).toEqual({
      cursor: expect.any(String),
      id: expect.any(String),
      event_id: client.ids[0],
      project_id: weir.project,
      state: 'quarantined',
      reason: expect.stringContaining('constraint'),
      last_error: expect.any(String),
      attempt_count: expect.any(Number),
      created_at: expect.any(String),
      quarantined_at: expect.any(String),
      received_at: expect.any(String),
      event: expect.objectContaining({ event: 'bad', user_id: 'u1', event_id: client.ids[0] }),
    });
  }, 120_000);

  it('tells again of one that was tried again in vain', async () => {
    const client = follow('dead_letters');
    await waitUntil('what there is', () => client.events.length > 0);
    const [first] = ids(client);
    expect((await call('POST', '/dlq/retry', { id: first })).body).toEqual({ retried: 1 });
    await waitUntil('the second time', () => ids(client).filter((id) => id === first).length === 2);
  });
});

it('feeds weir event consume with both', async () => {
  const consume = (key: string) => {
    const consumer = new Consumer(weir, ['consume', key, '--max-events', '2', '--timeout', '60s']);
    return consumer.ready();
  };
  const [usage, dead] = await Promise.all([consume('weir.usage'), consume('weir.ingest.dead_letter')]);
  const bad = await send('bad', 2);
  await send('good', 1);
  const [ofUsage, ofDead] = await Promise.all([usage.ended(), dead.ended()]);
  expect([ofUsage.code, ofDead.code]).toEqual([0, 0]);
  expect(usage.documents()).toMatchObject([
    { tenant: weir.project, billable: true },
    { tenant: weir.project, billable: true },
  ]);
  expect(dead.documents<{ event_id: string }>().map(({ event_id }) => event_id)).toEqual(bad);
}, 120_000);

it('refuses an unknown stream and says which there are', async () => {
  for (const [method, path, body] of [
    ['GET', '/feed?stream=channels'],
    ['PUT', '/feed/groups/g', { stream: 'channels' }],
  ] as const) {
    expect(await call(method, path, body)).toMatchObject({
      status: 400,
      body: {
        code: 'invalid_request',
        detail: 'stream: must be one of events, usage, dead_letters, processes',
      },
    });
  }
});
