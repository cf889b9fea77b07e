import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connectClickHouse, type Engine, type EngineState, startEngine } from '../index.js';
import { migrateClickHouse } from '../migrate/migrate.js';
import { EVENTS_INSERT, eventRows } from '../testing/event-rows.js';

const PROJECT = '0192f0c1-0000-7000-8000-00000000000a';

let dataDir: string;
const started: Engine[] = [];

async function start(directory = dataDir): Promise<Engine> {
  const engine = await startEngine({ dataDir: directory });
  started.push(engine);
  return engine;
}

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'weir-engine-'));
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((engine) => engine.close()));
  await rm(dataDir, { recursive: true, force: true });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it('recovers from kill -9 during inserts with every acknowledged row, once', async () => {
  const engine = await start();
  const states: EngineState[] = [];
  engine.onState((state) => states.push(state));
  const clickhouse = connectClickHouse(engine.target);
  await migrateClickHouse(clickhouse);
  const acknowledged: number[] = [];
  let offset = 0;
  for (let kill = 1; kill <= 3; kill += 1) {
    let failures = 0;
    const aim = acknowledged.length + 5 * kill;
    while (failures === 0) {
      const batch = offset;
      offset += 500;
      const insert = clickhouse.insertRaw(
        EVENTS_INSERT,
        eventRows({ projectId: PROJECT, count: 500, offset: batch }),
      );
      const { pid } = engine.health();
      if (acknowledged.length >= aim && pid !== undefined) process.kill(pid, 'SIGKILL');
      await insert.then(
        () => acknowledged.push(batch),
        (error: unknown) => {
          expect(error).toMatchObject({ code: 'unavailable', retryable: true });
          failures += 1;
        },
      );
    }
    await vi.waitUntil(() => engine.health().restarts === kill && engine.health().state === 'ready', {
      timeout: 15_000,
    });
  }
  const rows = await clickhouse.query<{ batch: string; n: string; places: string }>(
    'SELECT intDiv(log_offset, 500) * 500 AS batch, count() AS n, uniqExact(log_offset) AS places FROM weir_base.events_raw_v1 GROUP BY batch',
  );
  const stored = new Map(rows.map((row) => [Number(row.batch), row]));
  for (const batch of acknowledged) expect(stored.get(batch)).toMatchObject({ n: '500', places: '500' });
  for (const row of rows) expect(row).toMatchObject({ n: '500', places: '500' });
  expect(states).toEqual(['restarting', 'ready', 'restarting', 'ready', 'restarting', 'ready']);
  await clickhouse.close();
});

it('ends with its server, also by kill -9, and the next one takes over the directory', async () => {
  const script = `
    import { startEngine } from ${JSON.stringify(createRequire(import.meta.url).resolve('@weir/clickhouse'))};
    const engine = await startEngine({ dataDir: ${JSON.stringify(dataDir)} });
    process.send(engine.health().pid);
    setInterval(() => {}, 1000);`;
  const server: ChildProcess = fork('-', {
    execPath: process.execPath,
    execArgv: ['--input-type=module', '--eval', script],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [pid] = (await once(server, 'message')) as [number];
  expect(alive(pid)).toBe(true);
  server.kill('SIGKILL');
  const next = await start();
  await vi.waitUntil(() => !alive(pid), { timeout: 5_000 });
  expect(next.health()).toMatchObject({ state: 'ready', restarts: 0 });
});

it('kills a hung engine and starts another', async () => {
  const engine = await startEngine({ dataDir, silenceLimitMs: 1_500 });
  started.push(engine);
  const { pid } = engine.health();
  process.kill(pid ?? 0, 'SIGSTOP');
  await vi.waitFor(() => expect(engine.health()).toMatchObject({ state: 'ready', restarts: 1 }), 30_000);
  expect(engine.health().pid).not.toBe(pid);
  const clickhouse = connectClickHouse(engine.target);
  expect(await clickhouse.ping()).toBe(true);
  await clickhouse.close();
});

it('restarts when its engine has failed permanently', async () => {
  const engine = await start();
  const clickhouse = connectClickHouse(engine.target);
  // The stack overflows; chDB then answers every statement with an error, while its process lives on.
  const aliases = Array.from({ length: 20_000 }, (_, i) => `a${i} AS a${i + 1}`);
  const chain = `WITH 1 AS a0, ${aliases.join(', ')} SELECT a20000`;
  const settings = { max_query_size: 4_000_000, max_execution_time: 5 };
  await clickhouse.query(chain, { settings, timeoutMs: 2_000 }).catch(() => {});
  await vi.waitFor(async () => {
    await clickhouse.query('SELECT 1').catch(() => {});
    expect(engine.health()).toMatchObject({ state: 'ready', restarts: 1 });
  }, 60_000);
  expect(await clickhouse.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await clickhouse.close();
});

it('retries while a new engine cannot be started', async () => {
  const engine = await start();
  await rename(join(dataDir, 'clickhouse'), join(dataDir, 'elsewhere'));
  process.kill(engine.health().pid ?? 0, 'SIGKILL');
  await vi.waitFor(() => expect(engine.health().restarts).toBeGreaterThan(0), 10_000);
  await rename(join(dataDir, 'elsewhere'), join(dataDir, 'clickhouse'));
  await vi.waitFor(() => expect(engine.health().state).toBe('ready'), 30_000);
});

it('is refused a directory that another engine holds', async () => {
  const holder = await start();
  await expect(startEngine({ dataDir })).rejects.toMatchObject({ code: 'unavailable' });
  const clickhouse = connectClickHouse(holder.target);
  expect(await clickhouse.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await clickhouse.close();
});

it('restricts its socket and files to its owner, has an empty environment, and shortens a long path', async () => {
  const engine = await start(join(dataDir, 'a'.repeat(120)));
  const { socketPath } = engine.target;
  expect(socketPath.length).toBeLessThanOrEqual(100);
  expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
  const clickhouse = connectClickHouse(engine.target);
  expect(await clickhouse.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  const { pid } = engine.health();
  if (process.platform === 'linux') {
    const names = (await readFile(`/proc/${pid}/environ`, 'utf8'))
      .split('\0')
      .map((entry) => entry.split('=')[0]);
    expect(names).not.toContain('PATH');
    expect(names).not.toContain('HOME');
  }
  await clickhouse.close();
});

it('closes in order, repeatedly, and no call hangs', async () => {
  const engine = await start();
  const clickhouse = connectClickHouse(engine.target);
  const call = clickhouse.query('SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1', {
    tag: 'long',
  });
  const outcome = call.catch((error: unknown) => error);
  await vi.waitUntil(async () => (await clickhouse.running('long')) === 1);
  const { pid } = engine.health();
  await Promise.all([engine.close(), engine.close()]);
  expect(engine.health()).toEqual({ state: 'stopped', restarts: 0, pid: undefined });
  expect(pid === undefined || alive(pid)).toBe(false);
  expect(await outcome).toMatchObject({ code: 'unavailable' });
  await expect(clickhouse.query('SELECT 1')).rejects.toMatchObject({ code: 'unavailable' });
  expect(await clickhouse.ping(500)).toBe(false);
  await clickhouse.close();
});

it('aborts a start', async () => {
  const controller = new AbortController();
  const starting = startEngine({ dataDir, signal: controller.signal });
  controller.abort(new Error('not now'));
  await expect(starting).rejects.toThrow('not now');
});
