import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { clickhouseTemplate } from '@weir/clickhouse';
import { postgresTemplate } from '@weir/postgres';
import { afterAll, expect, it } from 'vitest';
import { waitUntil } from './harness/wait-until.js';
import { WeirProcess } from './harness/weir-process.js';

// Nothing preset: the first start makes everything up.
const GENERATED = {
  WEIR_BOOTSTRAP_PROJECT_ID: '',
  WEIR_BOOTSTRAP_INGEST_TOKEN: '',
  WEIR_BOOTSTRAP_API_KEY: '',
};
const weir = new WeirProcess(GENERATED);
const others = [new WeirProcess(GENERATED), new WeirProcess(GENERATED)] as const;
afterAll(async () => {
  for (const server of [weir, ...others]) await server.dispose();
});

interface Credentials {
  readonly url: string;
  readonly project: string;
  readonly token: string;
  readonly key: string;
  readonly project_id: string;
  readonly ingest_token: string;
  readonly api_key: string;
}

it('credentials of a first project outlive a start that could not hand them over', async () => {
  const file = join(weir.dataDir, 'data', 'credentials.json');
  // Something in the way of the file stands for a crash between making the project and writing it.
  mkdirSync(file, { recursive: true });
  await weir.start('live');
  expect(await weir.exited()).not.toBe(0);
  rmdirSync(file);

  await weir.start('live');
  const written = await waitUntil('the credentials', () =>
    existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Credentials) : null,
  );
  const { project_id: project, ingest_token: token, api_key: key, url } = written;
  // Scripts may have the names of earlier releases.
  expect(written).toMatchObject({ project, token, key });
  expect(url).toBe(weir.url);
  const sent = await weir.send(
    { events: [{ event: 'e', timestamp: 1_700_000_000_001 }] },
    { authorization: `Bearer ${token}` },
  );
  expect(sent.body).toMatchObject({ accepted: 1 });
  const answer = await fetch(`${weir.url}/api/v1/projects/${project}/query`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ sql: 'SELECT 1' }),
  });
  expect(answer.status).toBe(200);
  expect(existsSync(`${file}.new`)).toBe(false);
});

/** Everything in a directory's files that looks like an id, an epoch, a hash or a credential. */
function idsIn(directory: string | undefined): Set<string> {
  if (directory === undefined) throw new Error('the build has prepared no directory: npm run build');
  const ids = new Set<string>();
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const file = join(directory, name);
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) continue;
    const text = readFileSync(file, 'latin1');
    for (const [id] of text.matchAll(
      /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,}|weir_\w{20,}/g,
    ))
      ids.add(id);
  }
  return ids;
}

it('two first starts have no id, epoch or secret in common', async () => {
  const found = await Promise.all(
    others.map(async (server) => {
      // Ready is what a script waits for before it reads the file. All addresses are none that a client can connect to.
      await server.start('live', { WEIR_HOST: '0.0.0.0' });
      const file = join(server.dataDir, 'data', 'credentials.json');
      while (!(await server.answers('/readyz')));
      expect(existsSync(file)).toBe(true);
      const { token, url } = JSON.parse(readFileSync(file, 'utf8')) as Credentials;
      expect(url).toBe(server.url);
      const events = [{ event: 'e', timestamp: 1_700_000_000_001 }];
      await server.send({ events }, { authorization: `Bearer ${token}` });
      expect(await server.stop()).toBe(0);
      const ids = idsIn(join(server.dataDir, 'data'));
      expect(ids).toContain(token);
      return ids;
    }),
  );
  const prepared = new Set([...idsIn(postgresTemplate()), ...idsIn(clickhouseTemplate())]);
  const [one, two] = found;
  expect([...(one ?? [])].filter((id) => two?.has(id) && !prepared.has(id))).toEqual([]);
});
