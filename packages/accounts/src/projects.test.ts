import { apiKeys, ingestTokens } from '@weir/postgres';
import { storeForms, type TestStore } from '@weir/postgres/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootstrap } from './bootstrap.js';
import { generateCredential } from './credential-form.js';
import { Credentials } from './credentials.js';
import { InstallationSettings } from './installation-settings.js';
import { Projects } from './projects.js';

const NOBODY = '018f0000-0000-7000-8000-000000000000';

describe.each(storeForms)('projects over $name', (form) => {
  let store: TestStore;
  let credentials: Credentials;
  let projects: Projects;
  beforeAll(async () => {
    store = await form.open();
    credentials = node();
    projects = new Projects(store.postgres, credentials);
  });
  afterAll(async () => {
    await credentials.close();
    await store.close();
  });
  // Each node has its own cache; the file that they share here is not read again.
  const node = () => new Credentials({ postgres: store.postgres, dataDir: store.options.dataDir });

  it('bootstrap creates one project in an empty installation, for any number of concurrent starts', async () => {
    expect(await bootstrap(store.postgres, credentials, { off: true })).toBeNull();
    const options = { projectId: NOBODY.replace('018f', '018A'), ingestToken: generateCredential('ingest') };
    const made = await Promise.all([1, 2, 3, 4].map(() => bootstrap(store.postgres, credentials, options)));
    const [created, ...more] = made.filter((project) => project !== null);
    expect(more).toEqual([]);
    expect(created).toMatchObject({
      id: options.projectId.toLowerCase(),
      name: 'default',
      ingestToken: options.ingestToken,
    });
    expect(await projects.list()).toMatchObject([{ id: created?.id, name: 'default' }]);
    expect(await bootstrap(store.postgres, credentials)).toBeNull();
    expect(await node().lookupApiKey(created?.apiKey ?? '')).toMatchObject({ projectId: created?.id });
  });

  it('bootstrap adds presets to an existing installation, once', async () => {
    const presets = { ingestToken: generateCredential('ingest'), apiKey: generateCredential('api') };
    for (let start = 0; start < 2; start++)
      expect(await bootstrap(store.postgres, credentials, presets)).toBeNull();
    const [oldest] = await projects.list();
    expect(await node().lookupIngestToken(presets.ingestToken)).toMatchObject({ projectId: oldest?.id });
    expect(await node().lookupApiKey(presets.apiKey)).toMatchObject({ projectId: oldest?.id });

    const elsewhere = { projectId: NOBODY.replace('018f', '018b'), apiKey: presets.apiKey };
    await expect(bootstrap(store.postgres, credentials, elsewhere)).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await projects.get(elsewhere.projectId)).toBeNull();
    const malformed = { projectId: 'nonsense', ingestToken: presets.apiKey, apiKey: 'weir_sec_1' };
    await expect(bootstrap(store.postgres, credentials, malformed)).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('are created with credentials that work everywhere at once, and stored only as hashes', async () => {
    const project = await projects.create('  shop  ');
    expect(project.name).toBe('shop');
    expect(await projects.get(project.id)).toMatchObject({ id: project.id, name: 'shop' });
    expect(credentials.lookupIngestToken(project.ingestToken)).toMatchObject({ projectId: project.id });
    expect(await node().lookupApiKey(project.apiKey)).toMatchObject({
      projectId: project.id,
      scopes: ['query', 'feed', 'process', 'channel', 'admin'],
    });
    const stored = JSON.stringify([
      await store.postgres.db.select().from(ingestTokens),
      await store.postgres.db.select().from(apiKeys),
    ]);
    expect(stored).not.toContain(project.ingestToken.slice(9));
    expect(stored).not.toContain(project.apiKey.slice(9));
  });

  it('reject an id in use and an invalid name', async () => {
    const { id } = await projects.create('one');
    await expect(projects.create('two', { id })).rejects.toMatchObject({ code: 'conflict', status: 409 });
    await expect(projects.create('two', { id: 'x' })).rejects.toMatchObject({ code: 'invalid_request' });
    for (const name of ['', '  ', 'a\u0000b', 'x'.repeat(201)]) {
      await expect(projects.create(name)).rejects.toMatchObject({ code: 'invalid_request', status: 400 });
    }
  });

  it('end with all their credentials when deleted', async () => {
    const project = await projects.create('short-lived');
    const other = node();
    expect(await other.lookupIngestToken(project.ingestToken)).not.toBeNull();
    expect(await projects.softDelete(project.id.toUpperCase())).toBe(true);
    expect(await projects.softDelete(project.id)).toBe(false);
    expect(await projects.get(project.id)).toBeNull();
    expect((await projects.list()).map(({ id }) => id)).not.toContain(project.id);
    expect(credentials.lookupIngestToken(project.ingestToken)).toBeNull();
    expect(credentials.lookupApiKey(project.apiKey)).toBeNull();
    await other.refresh();
    expect(other.lookupIngestToken(project.ingestToken)).toBeNull();
    expect(await projects.tokens.create(project.id, { name: 'late' })).toBeNull();
  });

  it('have several tokens: named, limited to origins, rotated, revoked', async () => {
    const { id, ingestToken } = await projects.create('tokens');
    const made = await projects.tokens.create(id, { name: 'web', allowedOrigins: ['https://a.example'] });
    expect(credentials.lookupIngestToken(made?.token ?? '')).toMatchObject({
      allowedOrigins: ['https://a.example'],
    });
    const rotated = await projects.tokens.rotate(id, made?.id ?? '');
    expect(credentials.lookupIngestToken(made?.token ?? '')).toBeNull();
    expect(await node().lookupIngestToken(made?.token ?? '')).toBeNull();
    expect(await node().lookupIngestToken(rotated?.token ?? '')).toMatchObject({
      projectId: id,
      allowedOrigins: ['https://a.example'],
    });
    expect(await projects.tokens.revoke(id, rotated?.id ?? '')).toBe(true);
    expect(await projects.tokens.revoke(id, rotated?.id ?? '')).toBe(false);
    expect(credentials.lookupIngestToken(rotated?.token ?? '')).toBeNull();
    const listed = await projects.tokens.list(id);
    expect(listed?.map(({ name, revokedAt }) => [name, revokedAt === null])).toEqual([
      ['default', true],
      ['web', false],
      ['web', false],
    ]);
    expect(credentials.lookupIngestToken(ingestToken)).not.toBeNull();
  });

  it('have API keys with scopes, expiry and a last use', async () => {
    const { id } = await projects.create('keys');
    const made = await projects.keys.create(id, { name: 'reader', scopes: ['query', 'query', 'feed'] });
    expect(credentials.lookupApiKey(made?.key ?? '')).toMatchObject({
      projectId: id,
      scopes: ['query', 'feed'],
    });
    await credentials.refresh();
    const expired = await projects.keys.create(id, {
      name: 'old',
      scopes: ['query'],
      expiresAt: new Date(0),
    });
    expect(credentials.lookupApiKey(expired?.key ?? '')).toBeNull();
    expect(await node().lookupApiKey(expired?.key ?? '')).toBeNull();
    for (const scopes of [[], ['root'], ['query', 'root']]) {
      await expect(projects.keys.create(id, { name: 'bad', scopes })).rejects.toMatchObject({
        code: 'invalid_request',
      });
    }
    const listed = await projects.keys.list(id);
    expect(listed?.map(({ name, lastUsedAt }) => [name, lastUsedAt !== null])).toEqual([
      ['default', false],
      ['reader', true],
      ['old', false],
    ]);
    expect(await projects.keys.revoke(id, made?.id ?? '')).toBe(true);
    expect(credentials.lookupApiKey(made?.key ?? '')).toBeNull();
  });

  it('that do not exist are not found, for any id, and projects are isolated', async () => {
    const mine = await projects.create('mine');
    const theirs = await projects.create('theirs');
    const token = await projects.tokens.create(theirs.id, { name: 'their token' });
    expect(await projects.tokens.revoke(mine.id, token?.id ?? '')).toBe(false);
    expect(await projects.tokens.rotate(mine.id, token?.id ?? '')).toBeNull();
    expect(credentials.lookupIngestToken(token?.token ?? '')).not.toBeNull();
    for (const id of ['', 'x', "' or 1=1", '018f', `${mine.id}x`, NOBODY, '\u0000']) {
      expect(await projects.get(id)).toBeNull();
      expect(await projects.softDelete(id)).toBe(false);
      expect(await projects.tokens.list(id)).toBeNull();
      expect(await projects.tokens.create(id, { name: 'a' })).toBeNull();
      expect(await projects.tokens.revoke(mine.id, id)).toBe(false);
      expect(await projects.keys.list(id)).toBeNull();
      expect(await projects.keys.create(id, { name: 'a', scopes: ['query'] })).toBeNull();
      expect(await projects.keys.revoke(id, id)).toBe(false);
    }
  });

  it('share the kill switch with every node within two seconds', async () => {
    const here = new InstallationSettings({ postgres: store.postgres, dataDir: store.options.dataDir });
    const there = new InstallationSettings({
      postgres: store.postgres,
      dataDir: `${store.options.dataDir}/there`,
    });
    there.start();
    const heard = (disabled: boolean) =>
      new Promise<number>((resolve) => {
        const stop = there.onChange(({ ingestDisabled }) => {
          expect(ingestDisabled).toBe(disabled);
          stop();
          resolve(performance.now());
        });
      });
    for (const disabled of [true, false]) {
      const hearing = heard(disabled);
      await here.setIngestDisabled(disabled);
      expect(here.ingestDisabled).toBe(disabled);
      const setAt = performance.now();
      expect((await hearing) - setAt).toBeLessThan(2_000);
      expect(there.ingestDisabled).toBe(disabled);
    }
    await there.close();
  });
});
