import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@weir/base';
import { eq, sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openPostgres, type Postgres, type PostgresState } from './postgres.js';
import { isUnavailable } from './postgres-error.js';
import { failedEvents, installationSettings, projects } from './schema/index.js';
import {
  storeForms,
  type TcpProxy,
  type TestDatabase,
  type TestStore,
  tcpProxy,
  testServer,
} from './testing/index.js';

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe.each(storeForms)('the store over $name', (form) => {
  let store: TestStore;
  let db: Postgres['db'];
  beforeAll(async () => {
    store = await form.open();
    ({ db } = store.postgres);
  });
  afterAll(() => store.close());

  it('stores a dead letter unchanged, once for each place and part', async () => {
    const letter = {
      id: randomUUID(),
      projectId: randomUUID(),
      logEpoch: 3,
      firstOffset: Number.MAX_SAFE_INTEGER - 1,
      lastOffset: Number.MAX_SAFE_INTEGER,
      batchId: 'b1',
      batchPayload: randomBytes(1 << 20),
      eventCount: 7,
      nextAttemptAt: new Date('2026-01-02T03:04:05.678Z'),
    };
    await db.insert(failedEvents).values(letter);
    const [read] = await db.select().from(failedEvents).where(eq(failedEvents.id, letter.id));
    const { batchPayload, ...rest } = letter;
    expect(read).toMatchObject(rest);
    // Not by `toEqual`, which compares a Buffer element by element, in seconds.
    expect(read?.batchPayload.equals(batchPayload)).toBe(true);
    const again = await failure(db.insert(failedEvents).values({ ...letter, id: randomUUID() }));
    expect(again).toMatchObject({ cause: { code: '23505' } });
    // Neither as text nor in a logger's form.
    expect(String(again).length + JSON.stringify(again).length).toBeLessThan(4_000);
    expect(isUnavailable(again)).toBe(false);
    await db.insert(failedEvents).values({ ...letter, id: randomUUID(), part: 1 });
  });

  it('distinguishes a wrong statement from an unavailable store', async () => {
    expect(isUnavailable(await failure(db.execute(sql`select no_such_column`)))).toBe(false);
    expect(await store.postgres.ping()).toBe(true);
  });

  it('keeps transactions and queries of many callers apart', async () => {
    const key = (i: number) => `counter-${i % 3}`;
    for (const i of [0, 1, 2]) await db.insert(installationSettings).values({ key: key(i), value: 0 });
    await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const [row] = (await db.execute(sql`select ${i}::int as echo, ${`text ${i}`}::text as words`)).rows;
        expect(row).toEqual({ echo: i, words: `text ${i}` });
        const add = db.transaction(async (tx) => {
          const where = eq(installationSettings.key, key(i));
          const [before] = await tx.select().from(installationSettings).where(where).for('update');
          await tx
            .update(installationSettings)
            .set({ value: Number(before?.value) + 1 })
            .where(where);
          if (i % 4 === 0) throw new Error('changed my mind');
        });
        await failure(add);
      }),
    );
    const rows = await db.select().from(installationSettings).orderBy(installationSettings.key);
    expect(rows.map((row) => row.value)).toEqual([15, 15, 15]);
  });

  it('rejects data of a newer version, and reports it to waiting callers', async () => {
    await db.execute(sql`insert into weir_migrations (version, name) values (1000, 'from the future')`);
    await store.postgres.close();
    const reopened = openPostgres(store.options);
    await expect(reopened.ready).rejects.toMatchObject({ code: 'schema_newer', retryable: false });
    expect(reopened.state).toBe('down');
    await reopened.close();
  });
});

describe('a server that disconnects', () => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  let dataDir: string;
  let postgres: Postgres;
  const states: PostgresState[] = [];
  beforeEach(async () => {
    states.length = 0;
    database = await testServer();
    proxy = await tcpProxy(database.url);
    dataDir = await mkdtemp(join(tmpdir(), 'weir-postgres-'));
    postgres = openPostgres({ url: proxy.url, dataDir });
    postgres.onState((state) => states.push(state));
  });
  afterEach(async () => {
    await postgres.close();
    await proxy.close();
    await database.close();
    await rm(dataDir, { recursive: true });
  });
  const becomes = (state: PostgresState) => vi.waitFor(() => expect(postgres.state).toBe(state), 15_000);

  const statementRunning = (count: number) =>
    vi.waitFor(async () => {
      const running = await database.query(
        `select 1 from pg_stat_activity where datname = current_database() and query like 'select pg_sleep%'`,
      );
      expect(running).toHaveLength(count);
    }, 5_000);

  it('is noticed, fails callers at once, and is used again when it returns', async () => {
    await postgres.ready;
    await proxy.cut();
    await becomes('down');

    const asked = performance.now();
    const errors = await Promise.all(
      Array.from({ length: 50 }, () => failure(postgres.db.select().from(projects))),
    );
    expect(performance.now() - asked).toBeLessThan(500);
    expect(errors.every(isUnavailable)).toBe(true);
    expect(isUnavailable(await failure(postgres.db.transaction((tx) => tx.select().from(projects))))).toBe(
      true,
    );
    expect(await postgres.ping()).toBe(false);

    await proxy.restore();
    await becomes('ready');
    expect(await postgres.db.select().from(projects)).toEqual([]);
    expect(states).toEqual(['ready', 'down', 'ready']);
  });

  it('fails the running statements, also inside a transaction', async () => {
    await postgres.ready;
    const sleeping = failure(postgres.db.execute(sql`select pg_sleep(20)`));
    const inTransaction = failure(postgres.db.transaction((tx) => tx.execute(sql`select pg_sleep(20)`)));
    await statementRunning(2);
    await proxy.cut();
    expect(isUnavailable(await sleeping)).toBe(true);
    expect(isUnavailable(await inTransaction)).toBe(true);
  });

  it('is noticed even if it stops answering without closing connections', async () => {
    await postgres.ready;
    const running = failure(postgres.db.execute(sql`select pg_sleep(20)`));
    await statementRunning(1);
    proxy.swallow();
    await becomes('down');
    expect(isUnavailable(await running)).toBe(true);
    expect(isUnavailable(await failure(postgres.db.select().from(projects)))).toBe(true);
    await proxy.cut();
    await proxy.restore();
    await becomes('ready');
  });

  it('survives the loss of one connection without being considered down', async () => {
    await postgres.ready;
    await postgres.db.select().from(projects);
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    await vi.waitFor(() => postgres.db.select().from(projects), 5_000);
    expect(await postgres.ping()).toBe(true);
    expect(states).toEqual(['ready']);
  });

  it('may start later: opening does not wait, and earlier queries fail at once', async () => {
    await proxy.cut();
    const early = openPostgres({ url: proxy.url, dataDir });
    expect(early.state).toBe('starting');
    expect(isUnavailable(await failure(early.db.select().from(projects)))).toBe(true);
    await proxy.restore();
    await early.ready;
    expect(await early.db.select().from(projects)).toEqual([]);
    await early.close();
    await early.close();
    expect(early.state).toBe('stopped');
    expect(isUnavailable(await failure(early.db.select().from(projects)))).toBe(true);
  });

  it('may never start: closing ends the wait', async () => {
    await proxy.cut();
    const never = openPostgres({ url: proxy.url, dataDir });
    await never.close();
    await expect(never.ready).rejects.toMatchObject({ code: 'store_unavailable' });
  });
});

it('reports a missing database once, with a hint, however often it retries', async () => {
  const server = await testServer();
  const target = new URL(server.url);
  const { hostname, port } = target;
  let tries = 0;
  const counting = createServer((inner) => {
    tries += 1;
    const outer = connect(Number(port || 5432), hostname);
    for (const socket of [inner, outer]) socket.on('error', () => {});
    inner.pipe(outer).pipe(inner);
  });
  await new Promise<void>((resolve) => counting.listen(0, '127.0.0.1', resolve));
  const address = counting.address();
  target.port = String(typeof address === 'object' ? address?.port : '');
  target.hostname = '127.0.0.1';
  target.pathname = '/weir_of_no_one';
  const logged: object[] = [];
  const logger = { ...silentLogger, warn: (fields: object) => void logged.push(fields) };
  const postgres = openPostgres({ url: target.href, dataDir: tmpdir(), logger });
  try {
    await vi.waitFor(() => expect(tries).toBeGreaterThan(3), 10_000);
    expect(logged).toEqual([
      {
        reason: 'database "weir_of_no_one" does not exist',
        hint: expect.stringContaining('create the database'),
        retryInMs: expect.any(Number),
      },
    ]);
  } finally {
    await postgres.close();
    counting.close();
    await server.close();
  }
});
