import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { waitUntil } from './harness/wait-until.js';
import { WeirProcess } from './harness/weir-process.js';

// Nothing preset: the first start makes everything up.
const weir = new WeirProcess({
  WEIR_BOOTSTRAP_PROJECT_ID: '',
  WEIR_BOOTSTRAP_INGEST_TOKEN: '',
  WEIR_BOOTSTRAP_API_KEY: '',
});
afterAll(() => weir.dispose());

interface Credentials {
  readonly url: string;
  readonly project: string;
  readonly token: string;
  readonly key: string;
}

it('credentials of a first project outlive a start that could not hand them over', async () => {
  const file = join(weir.dataDir, 'data', 'credentials.json');
  // Something in the way of the file stands for a crash between making the project and writing it.
  mkdirSync(file, { recursive: true });
  await weir.start('live');
  expect(await weir.exited()).not.toBe(0);
  rmdirSync(file);

  await weir.start('live');
  const { project, token, key, url } = await waitUntil('the credentials', () =>
    existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Credentials) : null,
  );
  expect(url).toBe(weir.url);
  const sent = await weir.send(
    { events: [{ event: 'e', timestamp: 1 }] },
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
