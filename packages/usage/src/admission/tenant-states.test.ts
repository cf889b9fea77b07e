import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@weir/base';
import { openPostgres, type Postgres, projects } from '@weir/postgres';
import { storeForms, type TestStore, tcpProxy, testServer } from '@weir/postgres/testing';
import { eq, sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DEFAULT_TENANT_STATE } from './tenant-state.js';
import { TenantStates } from './tenant-states.js';

const P = '0192f0c1-0000-7000-8000-000000000001';
const Q = '0192f0c1-0000-7000-8000-000000000002';
const logger = { ...silentLogger, warn: vi.fn() };
const open: TenantStates[] = [];
const directories: string[] = [];

async function node(postgres: Postgres, dataDir?: string): Promise<TenantStates> {
  const directory = dataDir ?? (await mkdtemp(join(tmpdir(), 'weir-states-')));
  directories.push(directory);
  const states = new TenantStates({ postgres, dataDir: directory, logger });
  open.push(states);
  states.start();
  return states;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((states) => states.close()));
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
  logger.warn.mockReset();
});

/** Waits for a condition that may take a poll, at most 2 s: the promised bound. */
async function within2s(what: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(what()).toBe(true), { timeout: 2_000, interval: 10 });
}
const isRefused = (states: TenantStates, id = P) => (states.table.find(id)?.refusal ?? null) !== null;

describe.each(storeForms)('tenant states over $name', (form) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await form.open();
    await store.postgres.db.insert(projects).values([
      { id: P, name: 'p' },
      { id: Q, name: 'q' },
    ]);
  });
  afterAll(() => store?.close());

  it('are the defaults for a project without a row, and absent for an unknown project', async () => {
    const states = await node(store.postgres);
    expect(await states.get(Q)).toEqual(DEFAULT_TENANT_STATE);
    expect(await states.change(Q, {})).toEqual(DEFAULT_TENANT_STATE);
    for (const unknown of ['0192f0c1-0000-7000-8000-00000000ffff', 'nonsense', '']) {
      expect(await states.get(unknown)).toBeNull();
      expect(await states.change(unknown, { suspended: true })).toBeNull();
    }
  });

  it('change here at once and elsewhere within 2 s, part by part', async () => {
    const [here, there] = [await node(store.postgres), await node(store.postgres)];
    await here.change(P, { suspended: true, denyStatus: 402, denyReason: 'unpaid' });
    expect(here.table.find(P)?.refusal).toMatchObject({ code: 'payment_required', detail: 'unpaid' });
    await within2s(() => isRefused(there));
    expect(await there.change(P, { rateLimitRps: 0.5, concurrencyLimit: 3 })).toEqual({
      enabled: true,
      suspended: true,
      denyStatus: 402,
      denyReason: 'unpaid',
      rateLimitRps: 0.5,
      rateBurst: 0,
      concurrencyLimit: 3,
      channelRateLimitRps: 0,
      channelRateBurst: 0,
      channelMessages: 0,
      channelMessageBytes: 0,
      channelBytes: 0,
      channelsPerProcess: 0,
    });
    await there.change(P, { suspended: false });
    expect(isRefused(there)).toBe(false);
    await within2s(() => !isRefused(here));
  });

  it('follow rows that are written and deleted by hand', async () => {
    const states = await node(store.postgres);
    const { db } = store.postgres;
    await db.execute(sql`insert into tenant_runtime_state (project_id, enabled) values (${Q}, false)`);
    await within2s(() => isRefused(states, Q));
    await db.execute(sql`delete from tenant_runtime_state where project_id = ${Q}`);
    await within2s(() => states.table.find(Q) === undefined);
  });

  it('reject invalid numbers, and are deleted with their project', async () => {
    const { db } = store.postgres;
    for (const [column, value] of [
      ['deny_status', '200'],
      ['rate_limit_rps', "'NaN'"],
      ['rate_limit_rps', "'Infinity'"],
      ['rate_burst', '-1'],
      ['channel_rate_limit_rps', "'NaN'"],
      ['channel_messages', '-1'],
      ['channel_bytes', '9007199254740992'],
      ['channels_per_process', '1001'],
    ]) {
      const statement = `insert into tenant_runtime_state (project_id, ${column}) values ('${Q}', ${value})`;
      await expect(db.execute(sql.raw(statement))).rejects.toThrow();
    }
    const states = await node(store.postgres);
    await states.change(Q, { suspended: true });
    await db.delete(projects).where(eq(projects.id, Q));
    await within2s(() => !isRefused(states, Q));
  });
});

describe('while PostgreSQL is unavailable', () => {
  it('the last known states stay valid, also over a restart', async () => {
    const database = await testServer();
    const network = await tcpProxy(database.url);
    const dataDir = await mkdtemp(join(tmpdir(), 'weir-states-'));
    const postgres = openPostgres({ url: network.url, dataDir });
    await postgres.ready;
    await postgres.db.insert(projects).values({ id: P, name: 'p' });
    const states = await node(postgres, dataDir);
    await states.change(P, { suspended: true, denyReason: 'unpaid', rateLimitRps: 2 });
    await network.cut();
    await vi.waitFor(() => expect(postgres.state).toBe('down'), { timeout: 20_000 });
    expect(isRefused(states)).toBe(true);

    const restarted = await node(postgres, dataDir);
    expect(restarted.table.find(P)?.refusal).toMatchObject({ code: 'suspended', detail: 'unpaid' });
    await database.query(`update tenant_runtime_state set suspended = false`);
    await network.restore();
    await vi.waitFor(() => expect(isRefused(restarted)).toBe(false), { timeout: 20_000 });
    expect(isRefused(states)).toBe(false);

    await Promise.all([states.close(), restarted.close()]);
    await postgres.close();
    await network.close();
    await database.close();
  });

  it('the file of a version before limits of channels is read, and its states are valid', async () => {
    const store = await storeForms[0]?.open();
    if (store === undefined) throw new Error('no form of the store');
    const dataDir = await mkdtemp(join(tmpdir(), 'weir-states-'));
    const path = join(dataDir, 'tenant-states.json');
    const old = { enabled: true, suspended: true, deny_status: 402, deny_reason: 'unpaid' };
    const rates = { rate_limit_rps: 2, rate_burst: 0, concurrency_limit: 3 };
    await writeFile(path, JSON.stringify({ [P]: { ...old, ...rates } }));
    const { postgres } = store;
    const former = new TenantStates({ postgres, dataDir, logger });
    const before = {
      suspended: true,
      denyStatus: 402,
      denyReason: 'unpaid',
      rateLimitRps: 2,
      concurrencyLimit: 3,
    };
    expect(former.table.states.get(P)).toEqual({ ...DEFAULT_TENANT_STATE, ...before });
    expect(logger.warn).not.toHaveBeenCalled();

    await postgres.db.insert(projects).values({ id: P, name: 'p' });
    const states = await node(postgres, dataDir);
    const limits = {
      channelRateLimitRps: 0.5,
      channelRateBurst: 7,
      channelMessages: 8,
      channelMessageBytes: 2 ** 33,
      channelBytes: 2 ** 50,
      channelsPerProcess: 1000,
    };
    await states.change(P, limits);
    await states.close();
    const { table } = new TenantStates({ postgres, dataDir, logger });
    expect(table.states.get(P)).toEqual({ ...DEFAULT_TENANT_STATE, ...limits });
    await store.close();
  });

  it('an unreadable file does not prevent a start', async () => {
    const store = await storeForms[0]?.open();
    if (store === undefined) throw new Error('no form of the store');
    const dataDir = await mkdtemp(join(tmpdir(), 'weir-states-'));
    await writeFile(join(dataDir, 'tenant-states.json'), '{"x"');
    await store.postgres.db.insert(projects).values({ id: P, name: 'p' });
    const states = await node(store.postgres, dataDir);
    expect(logger.warn).toHaveBeenCalledOnce();
    await states.change(P, { suspended: true });
    await states.close();
    const kept: unknown = JSON.parse(await readFile(join(dataDir, 'tenant-states.json'), 'utf8'));
    expect(kept).toMatchObject({ [P]: { suspended: true, deny_status: 403 } });
    await store.close();
  });
});
