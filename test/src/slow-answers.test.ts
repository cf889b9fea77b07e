/** Clients that take the answers of their queries slowly, or not at all, must not keep other queries from the engine. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WeirProcess, waitUntil } from './index.js';

const CLI = fileURLToPath(new URL('../../packages/cli/bin/weir.js', import.meta.url));
const MIB = 2 ** 20;
/** Longest time of a query; a slow client takes longer. */
const EXECUTION_MS = 9_000;

let weir: WeirProcess;

beforeAll(async () => {
  weir = await new WeirProcess({
    WEIR_QUERY_MAX_EXECUTION_TIME: `${EXECUTION_MS}ms`,
    WEIR_QUERY_STALL_TIMEOUT: '6s',
    WEIR_QUERY_SPOOL_BYTES_EACH: '60MiB',
  }).start();
  await waitUntil('all stores', () => weir.answers('/readyz?for=query'));
});

afterAll(async () => {
  await weir?.dispose();
});

interface Tenant {
  readonly project: string;
  readonly key: string;
}

async function tenant(name: string): Promise<Tenant> {
  const { body } = await weir.operator('POST', '/projects', { name });
  // The cast holds: the operator route answers so.
  const { id: project, api_key: key } = body as { id: string; api_key: string };
  return { project, key };
}

/** An answer of so many MiB, more or less. */
const rows = (mebibytes: number): string =>
  `SELECT number, repeat('x', 1000) FROM numbers(${Math.round((mebibytes * MIB) / 1_012)})`;

/** Asks and takes the head of the answer, whose body is not read before its caller does. */
async function ask({ project, key }: Tenant, sql: string, format = 'csv'): Promise<IncomingMessage> {
  const request = httpRequest(`${weir.url}/api/v1/projects/${project}/query`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
  });
  request.end(JSON.stringify({ sql, format }));
  const [response]: IncomingMessage[] = await once(request, 'response');
  if (response === undefined) throw new Error('no answer');
  response.on('error', () => {});
  return response;
}

/** Reads an answer, with a pause after each chunk; its bytes, or undefined where it broke off. */
async function lengthOf(answer: IncomingMessage, pauseMs = 0): Promise<number | undefined> {
  let length = 0;
  try {
    for await (const chunk of answer) {
      length += (chunk as Uint8Array).length;
      if (pauseMs > 0) await delay(pauseMs);
    }
    return length;
  } catch {
    return undefined;
  }
}

async function metric(name: string): Promise<number> {
  const { text } = await weir.request('GET', '/metrics');
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}

test('answers that are never read hold neither the engine nor the disk, and their connections end', async () => {
  const [first, second, third] = [await tenant('First'), await tenant('Second'), await tenant('Third')];
  const unread = await Promise.all(
    [first, second].flatMap((one) => [1, 2, 3, 4].map(() => ask(one, rows(20)))),
  );
  const closed = unread.map((answer) => new Promise((resolve) => answer.once('close', resolve)));
  const asked = await ask(third, 'SELECT 1', 'json');
  expect([asked.statusCode, await lengthOf(asked)]).toEqual([200, expect.any(Number)]);
  // Answered while the others were open, so it did not wait for their end.
  expect(await metric('weir_query_answers_open')).toBe(8);
  let mostSpooled = 0;
  await waitUntil(
    'the engine to be free',
    async () => {
      mostSpooled = Math.max(mostSpooled, await metric('weir_query_spool_bytes'));
      return (await metric('weir_query_running')) === 0;
    },
    EXECUTION_MS,
  );
  expect(mostSpooled).toBeGreaterThan(8 * MIB);
  // What a crash would leave behind.
  expect(readdirSync(join(weir.dataDir, 'data', 'query-answers'))).toEqual([]);
  // The own queries of a project with four unread answers run too.
  expect((await ask(first, 'SELECT 1', 'json')).resume().statusCode).toBe(200);
  // A client that does not read learns of the end when it does.
  await waitUntil('their end', async () => (await metric('weir_query_answers_open')) === 0);
  for (const answer of unread) answer.resume();
  await Promise.all(closed);
  expect(unread.map((answer) => answer.complete)).toEqual(unread.map(() => false));
  expect(await metric('weir_query_spool_bytes')).toBe(0);
  expect(await metric('weir_query_answers_cut_total{reason="stalled"}')).toBe(8);
});

test('a slow client gets its whole answer, for longer than a query may run', async () => {
  const one = await tenant('Slow');
  const whole = await lengthOf(await ask(one, rows(30)));
  const started = performance.now();
  const answer = await ask(one, rows(30));
  const reading = lengthOf(answer, 22);
  await waitUntil(
    'the engine to be free',
    async () => (await metric('weir_query_running')) === 0,
    EXECUTION_MS,
  );
  expect(await reading).toBe(whole);
  expect(performance.now() - started).toBeGreaterThan(EXECUTION_MS);
});

test('a long JSON answer is whole for a slow client, with its length', async () => {
  const one = await tenant('JSON');
  const sql = rows(8);
  const quick = await lengthOf(await ask(one, sql, 'json'));
  const answer = await ask(one, sql, 'json');
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  const slow = await lengthOf(answer, 2);
  expect(slow).toBe(Number(answer.headers['content-length']));
  // The time that the query took is part of the answer.
  expect(Math.abs((quick ?? 0) - (slow ?? 0))).toBeLessThan(10);
});

test('without room on disk a slow client is cut off, and the engine is free before', async () => {
  const one = await tenant('Full');
  const before = await metric('weir_query_answers_cut_total{reason="no_room"}');
  const answer = await ask(one, rows(180));
  const chunks = answer[Symbol.asyncIterator]();
  await waitUntil(
    'the engine to be free',
    async () => {
      // Enough for the server to see that the client goes on.
      for (let i = 0; i < 4; i += 1) await chunks.next();
      return (await metric('weir_query_running')) === 0;
    },
    EXECUTION_MS,
  );
  const rest = async (): Promise<void> => {
    while ((await chunks.next()).done !== true);
  };
  await expect(rest()).rejects.toThrow();
  expect((await metric('weir_query_answers_cut_total{reason="no_room"}')) - before).toBe(1);
});

test('weir query takes the whole answer although its pager does not read, and hands it on later', async () => {
  const { project, key } = await tenant('Pager');
  const sql = rows(40);
  const whole = await lengthOf(await ask({ project, key }, sql));
  const child = spawn(process.execPath, [CLI, 'query', sql, '--format', 'csv'], {
    env: {
      PATH: process.env.PATH,
      HOME: weir.dataDir,
      WEIR_SERVER: weir.url,
      WEIR_PROJECT: project,
      WEIR_KEY: key,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await waitUntil('the query', async () => (await metric('weir_query_answers_open')) === 1);
  await waitUntil(
    'the end of the answer',
    async () => (await metric('weir_query_answers_open')) === 0,
    3_000,
  );
  let length = 0;
  for await (const chunk of child.stdout) length += (chunk as Uint8Array).length;
  expect(length).toBe(whole);
});

test('six light queries of one dashboard at once are all answered', async () => {
  const one = await tenant('Dashboard');
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => ask(one, 'SELECT sum(sipHash64(number)) FROM numbers(3000000)', 'json')),
  );
  expect(answers.map((answer) => answer.statusCode)).toEqual([200, 200, 200, 200, 200, 200]);
  for (const answer of answers) answer.resume();
});
