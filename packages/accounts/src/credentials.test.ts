import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPostgres, type Postgres } from '@weir/postgres';
import { type TcpProxy, type TestDatabase, tcpProxy, testServer } from '@weir/postgres/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_MISSES } from './credential-cache.js';
import { generateCredential } from './credential-form.js';
import { Credentials, type CredentialsOptions } from './credentials.js';
import { InstallationSettings } from './installation-settings.js';
import { type CreatedProject, Projects } from './projects.js';

describe('credentials', () => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  let dataDir: string;
  let postgres: Postgres;
  let credentials: Credentials;
  let projects: Projects;
  let project: CreatedProject;
  let clock: number;
  const opened: { close(): Promise<void> }[] = [];

  beforeEach(async () => {
    clock = Date.parse('2026-01-01T00:00:00Z');
    database = await testServer();
    proxy = await tcpProxy(database.url);
    dataDir = await mkdtemp(join(tmpdir(), 'weir-accounts-'));
    postgres = openPostgres({ url: proxy.url, dataDir });
    await postgres.ready;
    // Another node: this one learns of its changes only through the store.
    const other = new Credentials({ postgres, dataDir: join(dataDir, 'other') });
    opened.push(other);
    projects = new Projects(postgres, other);
    project = await projects.create('a project');
    credentials = open();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()));
    await postgres.close();
    await proxy.close();
    await database.close();
    await rm(dataDir, { recursive: true });
  });

  const open = (options: Partial<CredentialsOptions> = {}) => {
    const made = new Credentials({ postgres, dataDir, now: () => clock, ...options });
    opened.push(made);
    return made;
  };
  const cutOff = async () => {
    await proxy.cut();
    await vi.waitFor(() => expect(postgres.state).toBe('down'), 10_000);
  };
  it('are answered without a promise once cached', async () => {
    const first = credentials.lookupIngestToken(project.ingestToken);
    expect(first).toBeInstanceOf(Promise);
    const found = await first;
    expect(found).toMatchObject({ projectId: project.id, allowedOrigins: null });
    expect(credentials.lookupIngestToken(project.ingestToken)).toEqual(found);
  });

  it('of the wrong kind are rejected without a lookup', async () => {
    await cutOff();
    for (const text of [
      project.apiKey,
      generateCredential('operator'),
      'weir_pub_',
      '',
      `${project.ingestToken}0`,
    ]) {
      expect(credentials.lookupIngestToken(text)).toBeNull();
    }
    expect(credentials.lookupApiKey(project.ingestToken)).toBeNull();
  });

  it('of the operator are compared as a whole', () => {
    const operatorKey = generateCredential('operator');
    const withKey = open({ operatorKey });
    expect(withKey.isOperatorKey(operatorKey)).toBe(true);
    expect(withKey.isOperatorKey(operatorKey.slice(0, -1))).toBe(false);
    expect(withKey.isOperatorKey(generateCredential('operator'))).toBe(false);
    expect(credentials.isOperatorKey(operatorKey)).toBe(false);
  });

  it('revoked on another node end here within ten seconds', async () => {
    const made = await projects.tokens.create(project.id, { name: 'web' });
    expect(await credentials.lookupIngestToken(made?.token ?? '')).not.toBeNull();
    await credentials.lookupApiKey(project.apiKey);
    await projects.tokens.revoke(project.id, made?.id ?? '');
    clock += 10_001;
    expect(await credentials.lookupIngestToken(made?.token ?? '')).toBeNull();
    expect(await credentials.lookupIngestToken(project.ingestToken)).not.toBeNull();

    await projects.softDelete(project.id);
    clock += 10_001;
    expect(await credentials.lookupIngestToken(project.ingestToken)).toBeNull();
    expect(await credentials.lookupApiKey(project.apiKey)).toBeNull();
  });

  it('are refreshed in the background', async () => {
    const real = open({ now: Date.now });
    real.start();
    await real.lookupIngestToken(project.ingestToken);
    await projects.softDelete(project.id);
    const deleted = performance.now();
    await vi.waitFor(() => expect(real.lookupIngestToken(project.ingestToken)).toBeNull(), 10_000);
    expect(performance.now() - deleted).toBeLessThan(10_000);
  });

  it('stay cached while PostgreSQL is unavailable, for a day; others cannot be checked', async () => {
    const found = await credentials.lookupIngestToken(project.ingestToken);
    await cutOff();
    clock += 23 * 3_600_000;
    expect(credentials.lookupIngestToken(project.ingestToken)).toEqual(found);
    const down = { code: 'token_store_down', status: 500, retryable: true };
    await expect(credentials.lookupIngestToken(generateCredential('ingest'))).rejects.toMatchObject(down);
    await expect(credentials.lookupApiKey(project.apiKey)).rejects.toMatchObject(down);
    clock += 3_600_001;
    await expect(credentials.lookupIngestToken(project.ingestToken)).rejects.toMatchObject(down);
    await proxy.restore();
    await vi.waitFor(() => expect(postgres.state).toBe('ready'), 10_000);
    expect(await credentials.lookupIngestToken(project.ingestToken)).toEqual(found);
  });

  it('outlive a restart while PostgreSQL is unavailable, and the file contains no secret', async () => {
    const settings = new InstallationSettings({ postgres, dataDir });
    await settings.setIngestDisabled(true);
    const token = await credentials.lookupIngestToken(project.ingestToken);
    const key = await credentials.lookupApiKey(project.apiKey);
    await credentials.close();
    await cutOff();

    const restarted = open();
    expect(restarted.lookupIngestToken(project.ingestToken)).toEqual(token);
    expect(restarted.lookupApiKey(project.apiKey)).toEqual(key);
    expect(new InstallationSettings({ postgres, dataDir }).ingestDisabled).toBe(true);
    clock += 24 * 3_600_000 + 1;
    await expect(restarted.lookupApiKey(project.apiKey)).rejects.toMatchObject({ code: 'token_store_down' });

    const file = join(dataDir, 'credentials-cache.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).not.toMatch(new RegExp(`${project.apiKey}|${project.ingestToken}`));
  });

  it('revoked here do not return with a restart while PostgreSQL is unavailable', async () => {
    const here = new Projects(postgres, credentials);
    const made = await here.tokens.create(project.id, { name: 'web' });
    await here.tokens.revoke(project.id, made?.id ?? '');
    await cutOff();
    // No close, as after a crash.
    await expect(open().lookupIngestToken(made?.token ?? '')).rejects.toMatchObject({
      code: 'token_store_down',
    });
  });

  it('survive a damaged cache file', async () => {
    const file = join(dataDir, 'credentials-cache.json');
    for (const content of [
      '{"version":1,"ingest":[',
      '[]',
      '{"version":1,"ingest":[{"hash":1},null],"api":{}}',
    ]) {
      await writeFile(file, content);
      expect(await open().lookupIngestToken(project.ingestToken)).toMatchObject({ projectId: project.id });
    }
  });

  it('are looked up once for concurrent callers, and in one statement for many', async () => {
    const strangers = Array.from({ length: 500 }, () => generateCredential('ingest'));
    const select = vi.spyOn(postgres.db, 'select');
    const answers = await Promise.all(
      strangers.flatMap((token) => [
        credentials.lookupIngestToken(token),
        credentials.lookupIngestToken(project.ingestToken),
      ]),
    );
    expect(answers.filter((answer) => answer !== null)).toHaveLength(500);
    expect(select).toHaveBeenCalledOnce();
  });

  it('that do not exist are cached for ten seconds, at most ten thousand', async () => {
    const stranger = generateCredential('ingest');
    expect(await credentials.lookupIngestToken(stranger)).toBeNull();
    expect(credentials.lookupIngestToken(stranger)).toBeNull();
    clock += 10_000;
    expect(credentials.lookupIngestToken(stranger)).toBeInstanceOf(Promise);
    await credentials.lookupIngestToken(stranger);
    await Promise.all(
      Array.from({ length: MAX_MISSES }, () => credentials.lookupIngestToken(generateCredential('ingest'))),
    );
    // Evicted by the ten thousand that came after it.
    expect(credentials.lookupIngestToken(stranger)).toBeInstanceOf(Promise);
  });
});
