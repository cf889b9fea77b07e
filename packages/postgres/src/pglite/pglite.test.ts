import { execFileSync, spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPostgres, type Postgres } from '../postgres.js';
import { isUnavailable } from '../postgres-error.js';
import { installationSettings } from '../schema/index.js';
import { childrenOf } from '../testing/index.js';

const childOf = (dataDir: string): Promise<number> =>
  vi.waitFor(() => {
    const [pid] = childrenOf(dataDir);
    if (pid === undefined) throw new Error('no child yet');
    return pid;
  }, 10_000);

const noChildOf = (dataDir: string) => vi.waitFor(() => expect(childrenOf(dataDir)).toEqual([]), 10_000);

// One directory for all tests, in order: each leaves it like a crash.
describe('PGlite in its process', () => {
  let dataDir: string;
  let postgres: Postgres;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'weir-pglite-'));
  });
  afterAll(async () => {
    await postgres.close();
    await noChildOf(dataDir);
    await rm(dataDir, { recursive: true });
  });

  it('is created whole or not at all', async () => {
    postgres = openPostgres({ dataDir });
    await vi.waitFor(
      () => expect(existsSync(join(dataDir, 'postgres.new', 'PG_VERSION'))).toBe(true),
      60_000,
    );
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
    process.kill(await childOf(dataDir), 'SIGKILL');
    await postgres.ready;
    expect(existsSync(join(dataDir, 'postgres.new'))).toBe(false);
  });

  it('listens for its owner only and flushes writes to disk', async () => {
    expect(statSync(join(dataDir, '.s.PGSQL.5432')).mode & 0o777).toBe(0o600);
    const settings = await postgres.db.execute(
      sql`select current_setting('fsync') as fsync, current_setting('wal_sync_method') as method`,
    );
    expect(settings.rows).toEqual([{ fsync: 'on', method: 'fsync' }]);
  });

  it('loses no acknowledged write when killed during writes, and restarts itself', async () => {
    const acknowledged = new Set<string>();
    let stop = false;
    const writer = (async () => {
      for (let i = 0; !stop; i++) {
        const key = `row-${i}`;
        try {
          await postgres.db.insert(installationSettings).values({ key, value: 'x'.repeat(2_000) });
          acknowledged.add(key);
        } catch (error) {
          if (!isUnavailable(error)) throw error;
          await new Promise(setImmediate);
        }
      }
    })();
    for (let kill = 0; kill < 3; kill++) {
      const before = acknowledged.size;
      await vi.waitFor(() => expect(acknowledged.size).toBeGreaterThan(before + 40), 20_000);
      process.kill(await childOf(dataDir), 'SIGKILL');
      await vi.waitFor(() => expect(postgres.state).toBe('down'), 5_000);
      await vi.waitFor(() => expect(postgres.state).toBe('ready'), 20_000);
    }
    stop = true;
    await writer;
    const rows = await postgres.db.select({ key: installationSettings.key }).from(installationSettings);
    const kept = new Set(rows.map((row) => row.key));
    expect([...acknowledged].filter((key) => !kept.has(key))).toEqual([]);
  });

  it('keeps a second owner out until the first has ended', async () => {
    const second = openPostgres({ dataDir });
    await expect(Promise.race([second.ready, postgres.ping()])).resolves.toBe(true);
    await vi.waitFor(() => expect(childrenOf(dataDir)).toHaveLength(2), 5_000);
    expect(second.state).toBe('starting');
    await postgres.close();
    postgres = second;
    await postgres.ready;
  });

  it('ends with its parent, for any reason', async () => {
    await postgres.close();
    const script = `
      import { openPostgres } from '@weir/postgres';
      const postgres = openPostgres({ dataDir: process.argv[1] });
      await postgres.ready;
      console.log('ready');
      setInterval(() => undefined, 1000);`;
    const args = ['--input-type=module', '-e', script, dataDir];
    const parent = spawn(process.execPath, args, {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => parent.stdout.once('data', resolve));
    expect(childrenOf(dataDir)).toHaveLength(1);
    parent.kill('SIGKILL');
    await noChildOf(dataDir);
    postgres = openPostgres({ dataDir });
    await postgres.ready;
  });

  it('finds a path for its socket when the data directory has a long name', async () => {
    await postgres.close();
    const long = join(dataDir, 'd'.repeat(120));
    execFileSync('mkdir', [long]);
    execFileSync('mv', [join(dataDir, 'postgres'), long]);
    postgres = openPostgres({ dataDir: long });
    await postgres.ready;
    expect(await postgres.ping()).toBe(true);
  });
});
