/** The example of a host, as its readers start it: what it plugs in decides, limits and counts. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WeirProcess, waitUntil } from './index.js';

const MAIN = fileURLToPath(new URL('../../examples/hosted/dist/main.js', import.meta.url));
const SOURCES = ['main', 'plans', 'seams'].map((name) =>
  readFileSync(fileURLToPath(new URL(`../../examples/hosted/src/${name}.ts`, import.meta.url)), 'utf8'),
);

let directory: string;
let weir: WeirProcess;
const file = (name: string) => join(directory, name);
const putOn = (plan: string) => writeFileSync(file('plans.json'), JSON.stringify({ [weir.project]: plan }));

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'weir-hosted-'));
  const settings = {
    HOSTED_PLANS: file('plans.json'),
    HOSTED_METER: file('meter.ndjson'),
    HOSTED_UPGRADE_URL: 'https://pay.example/upgrade',
    WEIR_INGEST_FLUSH_INTERVAL: '100ms',
  };
  weir = new WeirProcess(settings, undefined, [MAIN]);
  putOn('pro');
  await weir.start();
  await waitUntil('queries', () => weir.answers('/readyz?for=query'));
});
afterAll(async () => {
  await weir?.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const query = async () =>
  await weir.request('POST', `/api/v1/projects/${weir.project}/query`, {
    headers: { authorization: `Bearer ${weir.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ sql: 'SELECT count() FROM events' }),
  });

it('is under 150 lines and stands on the public packages alone', () => {
  expect(SOURCES.join('').split('\n').length).toBeLessThan(150);
  const imported = SOURCES.flatMap((text) => [...text.matchAll(/from '([^']+)'/g)].map(([, name]) => name));
  const others = imported.filter((name) => !/^(node:|\.\/|@weir\/(extension|server)$)/.test(name ?? ''));
  expect(others).toEqual([]);
});

it('counts stored events, each batch once', async () => {
  for (const count of [3, 4]) {
    const events = Array.from({ length: count }, () => ({ event: 'e', timestamp: Date.now() }));
    expect((await weir.send({ events })).status).toBe(202);
  }
  await weir.settled();
  const metered = () =>
    readFileSync(file('meter.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { project: string; events: number; batch: string });
  // Told after the batch is stored, so a moment later.
  await waitUntil('the meter', () => sum(metered().map(({ events }) => events)) === 7, 5_000);
  expect(new Set(metered().map(({ batch }) => batch)).size).toBe(metered().length);
  expect(metered().every(({ project }) => project === weir.project)).toBe(true);
  expect(JSON.parse((await query()).text)).toMatchObject({ rows: [['7']] });
});

it('denies queries on the free plan, with the reason and where to pay, and goes on taking events', async () => {
  putOn('free');
  const refused = await waitUntil('the plan', async () => {
    const answer = await query();
    return answer.status === 402 ? answer : null;
  });
  expect(JSON.parse(refused.text)).toMatchObject({
    code: 'payment_required',
    detail: 'the free plan has no queries',
    hint: 'see https://pay.example/upgrade',
  });
  const taken = await waitUntil('a second with room', async () => {
    const { status } = await weir.send({ events: [{ event: 'e', timestamp: Date.now() }] });
    return status === 429 ? null : status;
  });
  expect(taken).toBe(202);
});

it('limits requests a second, and says when to come back', async () => {
  // More than two seconds' worth at once, wherever the second begins.
  const answers = await Promise.all(
    Array.from({ length: 30 }, () =>
      weir.request('POST', '/api/v1/ingest/events', {
        headers: { authorization: `Bearer ${weir.token}` },
        body: JSON.stringify({ events: [] }),
      }),
    ),
  );
  const limited = answers.filter(({ status }) => status === 429);
  expect(limited.length).toBeGreaterThan(0);
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
  for (const { headers, text } of limited) {
    expect(headers.get('retry-after')).toBe('1');
    expect(JSON.parse(text)).toMatchObject({ code: 'rate_limited', retry_after_s: 1 });
  }
});

it('ends as a server should', async () => {
  expect(await weir.stop()).toBe(0);
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
