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
    HOSTED_DIR: directory,
    WEIR_USAGE_SINKS: 'log,rollup,bills',
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
  const ask = async () =>
    await weir.request('POST', '/api/v1/ingest/events', {
      headers: { authorization: `Bearer ${weir.token}` },
      body: JSON.stringify({ events: [] }),
    });
  // What was asked before may have used this second up.
  const answers = await waitUntil('a second with room', async () => {
    const all = await Promise.all(Array.from({ length: 30 }, ask));
    return all.some(({ status }) => status === 200) ? all : null;
  });
  const limited = answers.filter(({ status }) => status === 429);
  expect(limited.length).toBeGreaterThan(0);
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
  for (const { headers, text } of limited) {
    expect(headers.get('retry-after')).toBe('1');
    expect(JSON.parse(text)).toMatchObject({ code: 'rate_limited', retry_after_s: 1 });
  }
});

it('bills what was done by its fuel, each request once, and nothing that was denied', async () => {
  interface Bill {
    readonly id: string;
    readonly project: string;
    readonly fuel: number;
  }
  const bills = () =>
    readFileSync(file('bills.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Bill);
  const totals = async () => {
    const { body } = await weir.operator('GET', `/tenants/${weir.project}/usage`);
    return (body as { usage: { requests: number; denied: number; billable_fuel: number }[] }).usage[0];
  };
  const billed = await waitUntil('the bills', async () => {
    const known = await totals();
    const all = bills();
    return known !== undefined && known.denied > 1 && all.length === known.requests - known.denied
      ? all
      : null;
  });
  expect(new Set(billed.map(({ id }) => id)).size).toBe(billed.length);
  expect(new Set(billed.map(({ project }) => project))).toEqual(new Set([weir.project]));
  expect(sum(billed.map(({ fuel }) => fuel))).toBe((await totals())?.billable_fuel);
  // Two requests with three and four events were the first.
  expect(billed.map(({ fuel }) => fuel)).toEqual(expect.arrayContaining([13, 14]));
});

it('keeps bills through a kill, and bills nothing twice that is told apart by its id', async () => {
  putOn('pro');
  const before = new Set(ids());
  let sent = 0;
  for (let round = 0; round < 2; round += 1) {
    for (let i = 0; i < 20; i += 1) {
      const { status } = await weir.send({ events: [{ event: 'e', timestamp: Date.now() }] });
      if (status === 202) sent += 1;
    }
    await weir.killAll();
    await weir.start();
  }
  // Starting asks whether events are taken, with an empty request of its own each time.
  await waitUntil('the bills', () => new Set(ids()).size >= before.size + sent);
  expect(sent).toBeGreaterThan(5);

  function ids(): string[] {
    const lines = readFileSync(file('bills.ndjson'), 'utf8').split('\n');
    return lines
      .filter((line) => line.includes('"fuel":11'))
      .map((line) => (JSON.parse(line) as { id: string }).id);
  }
});

it('ends as a server should', async () => {
  expect(await weir.stop()).toBe(0);
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
