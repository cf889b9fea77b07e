import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPostgres, type Postgres, usageRollup, usageRollupPosition } from '@weir/postgres';
import {
  storeForms,
  type TcpProxy,
  type TestDatabase,
  type TestStore,
  tcpProxy,
  testServer,
} from '@weir/postgres/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { describeSink } from '../conformance/index.js';
import { give, giveUntilKept, record, recordsOf, tryToGive } from '../conformance/records.js';
import { RollupSink } from './rollup-sink.js';

/** Each record of the conformance suite has its own tenant: its id. */
async function tenants(postgres: Postgres): Promise<string[]> {
  const rows = await postgres.db.select().from(usageRollup);
  return rows.flatMap(({ tenant, requests }) => Array.from({ length: requests }, () => tenant));
}

describe('over PGlite', () => {
  let store: TestStore | undefined;
  beforeAll(async () => {
    store = await storeForms[0]?.open();
  });
  afterAll(() => store?.close());

  describeSink('rollup', async () => {
    if (store === undefined) throw new Error('there is no PGlite');
    const { postgres } = store;
    await postgres.db.delete(usageRollup);
    await postgres.db.delete(usageRollupPosition);
    return {
      name: 'rollup',
      exact: true,
      ordered: false,
      open: async () => new RollupSink(postgres, { delayMs: 50 }),
      read: () => tenants(postgres),
      destroy: async () => undefined,
    };
  });
});

/** A server, and a network to it that the test can interrupt. */
class RemoteStore {
  readonly database: TestDatabase;
  readonly network: TcpProxy;
  readonly postgres: Postgres;
  readonly #dataDir: string;

  private constructor(database: TestDatabase, network: TcpProxy, dataDir: string) {
    this.database = database;
    this.network = network;
    this.#dataDir = dataDir;
    this.postgres = openPostgres({ url: network.url, dataDir });
  }

  static async open(): Promise<RemoteStore> {
    const database = await testServer();
    const network = await tcpProxy(database.url);
    const store = new RemoteStore(database, network, await mkdtemp(join(tmpdir(), 'weir-rollup-')));
    await store.postgres.ready;
    return store;
  }

  async isReady(): Promise<void> {
    await vi.waitFor(async () => expect(await this.postgres.ping()).toBe(true), { timeout: 30_000 });
  }

  async close(): Promise<void> {
    await this.postgres.close();
    await this.network.close();
    await this.database.close();
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}

describeSink('rollup over a PostgreSQL server', async () => {
  const store = await RemoteStore.open();
  return {
    name: 'rollup',
    exact: true,
    ordered: false,
    open: async () => new RollupSink(store.postgres, { delayMs: 50 }),
    read: async () => {
      await store.isReady();
      return tenants(store.postgres);
    },
    fail: () => store.network.cut(),
    recover: async () => {
      await store.network.restore();
      await store.isReady();
    },
    destroy: () => store.close(),
  };
});

/** Blocks commits that move a position on the server; the returned function releases them. */
async function holdCommits(database: TestDatabase): Promise<() => Promise<void>> {
  await database.query('drop table if exists held');
  await database.query('create table held as select true as held');
  await database.query(`create or replace function wait_while_held() returns trigger language plpgsql as
    $$ begin while exists (select from held) loop perform pg_sleep(0.02); end loop; return null; end $$`);
  await database.query('drop trigger if exists slow on usage_rollup_position');
  await database.query(`create constraint trigger slow after insert or update on usage_rollup_position
    deferrable initially deferred for each row execute function wait_while_held()`);
  return async () => void (await database.query('delete from held'));
}

/** Waits until a number of the database's sessions meet a condition. */
async function waitFor(database: TestDatabase, condition: string, count: number): Promise<void> {
  const busy = `select 1 from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state = 'active' and ${condition}`;
  await vi.waitFor(async () => expect(await database.query(busy)).toHaveLength(count), { timeout: 20_000 });
}

describe('the rollup sink', () => {
  let store: RemoteStore;
  beforeAll(async () => {
    store = await RemoteStore.open();
  });
  afterAll(() => store?.close());

  it('sums by tenant, hour, source, stack and node', async () => {
    const sink = new RollupSink(store.postgres);
    const base = { ...record(1), logId: 'sums', tenant: 'sums', src: 'http' as const, durationMs: 1.4 };
    const events = [
      { ...base, time: '2026-01-31T23:59:59.999Z', fuel: 5, billable: true, status: 'ok' as const },
      { ...base, time: '2026-01-31T23:00:00.000Z', fuel: 7, billable: false, status: 'error' as const },
      { ...base, time: '2026-02-01T00:00:00.000Z', admissionDenied: true, fuel: 0, bytesOut: 2 ** 45 },
    ].map((event, seq) => ({ ...event, seq, bytesIn: 10, memBytes: 100 * (seq + 1) }));
    // In two batches, so that sums are added to sums.
    await give(sink, events.slice(0, 1));
    await give(sink, events.slice(1));
    await sink.close(AbortSignal.timeout(5_000));
    const rows = await store.database.query(
      `select hour at time zone 'UTC' || '' as hour, src, stack, node_id, requests, errors, denied, fuel,
         billable_fuel, bytes_in, bytes_out, duration_ms, max_mem_bytes
       from usage_rollup where tenant = 'sums' order by 1`,
    );
    const { stack, nodeId: node_id } = base;
    const key = { src: 'http', stack, node_id };
    expect(rows).toEqual([
      {
        ...key,
        ...{ hour: '2026-01-31 23:00:00', requests: '2', errors: '1', denied: '0', fuel: '12' },
        ...{
          billable_fuel: '5',
          bytes_in: '20',
          bytes_out: '2000000',
          duration_ms: '2',
          max_mem_bytes: '200',
        },
      },
      {
        ...key,
        ...{ hour: '2026-02-01 00:00:00', requests: '1', errors: '0', denied: '1', fuel: '0' },
        ...{
          billable_fuel: '0',
          bytes_in: '10',
          bytes_out: `${2 ** 45}`,
          duration_ms: '1',
          max_mem_bytes: '300',
        },
      },
    ]);
  });

  const outcomes = [
    { name: 'was carried out before it is tried again', isDone: true, isFirst: false },
    { name: 'is carried out while it is tried again', isDone: false, isFirst: false },
    {
      name: 'is the first of its log and is carried out while it is tried again',
      isDone: false,
      isFirst: true,
    },
  ];
  it.each(outcomes)('counts once when the answer to a commit was lost that $name', async (outcome) => {
    const { database, network, postgres } = store;
    const logId = `lost-${outcome.isDone}-${outcome.isFirst}`;
    const sink = new RollupSink(postgres, { delayMs: 1 });
    const events = recordsOf(0, 60).map((event) => ({ ...event, logId, tenant: logId }));
    const begin = outcome.isFirst ? 0 : 10;
    await give(sink, events.slice(0, begin));
    const letCommit = await holdCommits(database);
    const given = tryToGive(sink, events.slice(begin, 50));
    await waitFor(database, "query ilike 'commit%'", 1);
    // The server does not notice the cut, and continues the commit when it is released.
    await network.cut();
    expect(await given).toBe(0);
    if (outcome.isDone) {
      await letCommit();
      await waitFor(database, "query ilike 'commit%'", 0);
    }
    await network.restore();
    await store.isReady();
    // More records than the first time, so that the new position differs.
    const again = giveUntilKept(sink, events.slice(begin));
    if (!outcome.isDone) {
      await waitFor(database, "wait_event_type = 'Lock'", 1);
      await letCommit();
    }
    await again;
    await sink.close(AbortSignal.timeout(5_000));
    const count = `select sum(requests)::int as requests from usage_rollup where tenant = '${logId}'`;
    expect(await database.query(count)).toEqual([{ requests: 60 }]);
  });

  it('lets two nodes write concurrently, and two that count the same log count it once', async () => {
    const events = recordsOf(0, 2_000).map((event) => ({ ...event, logId: 'shared', tenant: 'shared' }));
    const other = events.map((event) => ({ ...event, logId: 'own', nodeId: 'another' }));
    const giveAll = async (batch: typeof events) => {
      const sink = new RollupSink(store.postgres, { size: 100, delayMs: 1 });
      await giveUntilKept(sink, batch);
      await sink.close(AbortSignal.timeout(5_000));
    };
    await Promise.all([giveAll(events), giveAll(events), giveAll(other)]);
    const rows = await store.database.query(
      `select node_id, sum(requests)::int as requests from usage_rollup where tenant = 'shared' group by 1 order by 1`,
    );
    expect(rows).toEqual([
      { node_id: 'another', requests: 2_000 },
      { node_id: events[0]?.nodeId, requests: 2_000 },
    ]);
  });

  it('reveals no tenants when a statement fails', async () => {
    await store.database.query('alter table usage_rollup rename to gone');
    const sink = new RollupSink(store.postgres, { delayMs: 1 });
    const event = { ...record(1), logId: 'failing', tenant: 'a-tenant' };
    const error = await give(sink, [event]).then(
      () => expect.fail('it was kept'),
      (reason: unknown) => reason,
    );
    expect(String(error)).toContain('usage_rollup');
    expect(JSON.stringify(error)).not.toContain('a-tenant');
    await store.database.query('alter table gone rename to usage_rollup');
    await give(sink, [event]);
    await sink.close(AbortSignal.timeout(5_000));
  });
});
