/**
 * Stores that go away: ClickHouse, PostgreSQL, both, each coming back in either order. Both are reached over networks
 * that the test cuts; what was acknowledged must be stored once whatever happens.
 */
import { type TcpProxy, type TestDatabase, tcpProxy, testServer } from '@weir/postgres/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  allOnce,
  ClickHouseServer,
  type Environment,
  Load,
  reckon,
  WeirProcess,
  waitUntil,
} from './index.js';

let database: TestDatabase;
let postgres: TcpProxy;
let clickhouse: ClickHouseServer;
let seed = 1;

beforeAll(async () => {
  [database, clickhouse] = await Promise.all([testServer(), ClickHouseServer.start()]);
  postgres = await tcpProxy(database.url);
});
afterAll(async () => {
  await postgres?.close();
  await Promise.all([database?.close(), clickhouse?.close()]);
});

function server(extra: Environment = {}): WeirProcess {
  return new WeirProcess({
    WEIR_CLICKHOUSE_URL: clickhouse.url,
    WEIR_POSTGRES_URL: postgres.url,
    WEIR_INGEST_RETRY_IN_PLACE: '300ms',
    WEIR_INGEST_FLUSH_INTERVAL: '100ms',
    ...extra,
  });
}

async function up(weir: WeirProcess): Promise<WeirProcess> {
  await weir.start();
  await waitUntil('both stores', () => weir.answers('/readyz?for=query'));
  return weir;
}

function load(weir: WeirProcess): Load {
  seed += 1;
  return new Load({ url: weir.url, token: weir.token, batches: [20, 20, 1], seed, name: `load${seed}` });
}

async function stored(weir: WeirProcess): Promise<string[]> {
  const rows = await clickhouse.direct.query<{ event_id: string }>(
    `SELECT event_id FROM weir_base.events_raw_v1 WHERE project_id = '${weir.project}'`,
  );
  return rows.map(({ event_id }) => event_id);
}

/** Ends a load, waits for the pipeline, and checks that everything acknowledged is stored once. */
async function reckonUp(weir: WeirProcess, sent: Load): Promise<void> {
  await sent.stop();
  await weir.settled();
  const own = (await stored(weir)).filter((id) => id.startsWith(`${sent.name}-`));
  expect(reckon(sent, own)).toEqual(allOnce(sent));
  expect(sent.acknowledged.size).toBeGreaterThan(0);
  const health = await weir.health();
  expect(health).toMatchObject({ status: 'ok', fatal: false, dlq_depth: 0, quarantined: 0, pending: 0 });
}

const depth = async (weir: WeirProcess): Promise<number> => Number((await weir.health()).dlq_depth);
const isFatal = async (weir: WeirProcess): Promise<boolean> => (await weir.health()).fatal === true;

describe('a store that is away', () => {
  let weir: WeirProcess;
  beforeAll(async () => {
    weir = await up(server());
  });
  afterEach(async () => {
    await clickhouse.network.restore();
    await postgres.restore();
  });
  afterAll(async () => {
    await weir?.dispose();
  });

  it('ClickHouse: events become dead letters, are taken on, and are stored when it is back', async () => {
    const sent = load(weir);
    await sent.progress(20);
    await clickhouse.network.refuse();
    await waitUntil('dead letters', async () => (await depth(weir)) > 0);
    await sent.progress(50);
    expect(await weir.health()).toMatchObject({ status: 'ok', fatal: false, clickhouse: { state: 'down' } });
    expect(await weir.answers('/readyz')).toBe(true);
    expect(await weir.answers('/readyz?for=query')).toBe(false);
    // No pass over them counts as an attempt: an outage quarantines nothing, however long.
    const { body } = await weir.operator('GET', '/dlq/letters?limit=1000');
    const { letters } = body as { letters: { attempt_count: number; reason: string; state: string }[] };
    expect(letters.length).toBeGreaterThan(0);
    for (const letter of letters) {
      expect(letter).toMatchObject({ attempt_count: 0, reason: 'unavailable', state: 'active' });
    }
    await clickhouse.network.restore();
    await sent.progress(20);
    await reckonUp(weir, sent);
  });

  it('PostgreSQL: nothing on the way of an event needs it', async () => {
    const sent = load(weir);
    await sent.progress(20);
    await postgres.cut();
    const before = (await stored(weir)).length;
    await sent.progress(100);
    await waitUntil('further rows', async () => (await stored(weir)).length > before);
    expect(await weir.health()).toMatchObject({ status: 'ok', fatal: false, postgres: { state: 'down' } });
    expect(await weir.answers('/readyz')).toBe(true);
    await postgres.restore();
    await waitUntil('PostgreSQL to be found again', async () => {
      const { postgres: store } = await weir.health();
      return (store as { state: string }).state === 'ok';
    });
    await reckonUp(weir, sent);
  });

  it.each(['ClickHouse', 'PostgreSQL'])(
    'both, %s back first: fatal while both are away, and no longer',
    async (first) => {
      const sent = load(weir);
      await sent.progress(20);
      await Promise.all([clickhouse.network.refuse(), postgres.cut()]);
      await waitUntil('fatal', () => isFatal(weir));
      const refused = await weir.request('POST', '/api/v1/ingest/events', {
        headers: { authorization: `Bearer ${weir.token}` },
        body: '{"events":[{"event":"x","timestamp":1700000000001}]}',
      });
      expect(refused.status).toBe(503);
      expect(refused.headers.get('retry-after')).toBe('5');
      expect(JSON.parse(refused.text)).toMatchObject({ code: 'ingest_down', retry_after_s: 5 });
      expect((await weir.request('GET', '/healthz')).status).toBe(503);

      if (first === 'ClickHouse') await clickhouse.network.restore();
      else await postgres.restore();
      // One store is enough: nothing acknowledged can be lost any more.
      await waitUntil('fatal to be cleared', async () => !(await isFatal(weir)));
      await sent.progress(20);
      await clickhouse.network.restore();
      await postgres.restore();
      await reckonUp(weir, sent);
    },
  );

  it('ClickHouse loses answers and cuts requests short: each row is stored once all the same', async () => {
    for (const fault of ['lose the answer', 'cut the request'] as const) {
      const sent = load(weir);
      const before = clickhouse.network.faults;
      clickhouse.network.spoilInserts(fault, 5);
      await waitUntil(`five inserts to ${fault}`, () => clickhouse.network.faults - before === 5);
      await sent.progress(20);
      await reckonUp(weir, sent);
    }
  });

  it('ClickHouse hangs, and comes back: what was sent into the silence is stored once', async () => {
    const sent = load(weir);
    await sent.progress(20);
    clickhouse.network.hang();
    await sent.progress(20);
    await clickhouse.network.restore();
    await sent.progress(20);
    await reckonUp(weir, sent);
  });
});

describe('a node that starts while both stores are away', () => {
  let weir: WeirProcess;
  afterAll(async () => {
    await clickhouse.network.restore();
    await postgres.restore();
    await weir?.dispose();
  });

  it('takes events of tokens it knows, and says of others that it cannot tell', async () => {
    weir = await up(server({ WEIR_INGEST_ON_FATAL: 'spool' }));
    const before = load(weir);
    await before.progress(10);
    await before.stop();
    await weir.settled();
    expect(await weir.stop()).toBe(0);
    await Promise.all([clickhouse.network.refuse(), postgres.cut()]);

    await weir.start();
    const during = load(weir);
    await during.progress(50);
    const stranger = await weir.request('POST', '/api/v1/ingest/events', {
      headers: { authorization: `Bearer weir_pub_${'0'.repeat(64)}` },
      body: '{"events":[]}',
    });
    expect(stranger.status).toBe(500);
    expect(JSON.parse(stranger.text)).toMatchObject({ code: 'token_store_down' });

    // With `spool` not even a fatal state keeps events out.
    await waitUntil('fatal', () => isFatal(weir));
    await during.progress(50);
    await weir.kill();
    await weir.start();
    await during.progress(20);
    await Promise.all([clickhouse.network.restore(), postgres.restore()]);
    await during.stop();
    await weir.settled();
    const all = {
      acknowledged: new Set([...before.acknowledged, ...during.acknowledged]),
      abandoned: new Set([...before.abandoned, ...during.abandoned]),
    };
    expect(reckon(all, await stored(weir))).toEqual(allOnce(all));
    expect((await weir.health()).fatal).toBe(false);
    expect(await weir.stop()).toBe(0);
  });
});
