/** Processes over HTTP: the whole life of one, waits, walls between projects, the feed, and kills of the server. */
import { setTimeout as delay } from 'node:timers/promises';
import { type TestDatabase, testServer } from '@weir/postgres/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Consumer } from './harness/consumer.js';
import { FeedClient } from './harness/feed-client.js';
import { ClickHouseServer, killBuses, WeirProcess, waitUntil } from './index.js';

let database: TestDatabase;
let clickhouse: ClickHouseServer;
let weir: WeirProcess;

beforeAll(async () => {
  [database, clickhouse] = await Promise.all([testServer(), ClickHouseServer.start()]);
  weir = await new WeirProcess({
    WEIR_CLICKHOUSE_URL: clickhouse.url,
    WEIR_POSTGRES_URL: database.url,
  }).start();
});
afterAll(async () => {
  if (weir !== undefined) killBuses(weir.dataDir);
  await weir?.dispose();
  await Promise.all([database?.close(), clickhouse?.close()]);
});

type Answer = Record<string, unknown> & {
  readonly id: string;
  readonly assignment: string;
  readonly code?: string;
};

/** What a client does: `body` makes it a POST. */
async function call(
  path: string,
  body?: object,
  { key = weir.key, signal = null as AbortSignal | null, assignment = '' } = {},
): Promise<{ readonly status: number; readonly body: Answer }> {
  const response = await fetch(`${weir.url}/api/v1/processes${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(assignment === '' ? {} : { 'weir-assignment': assignment }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal,
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as Answer };
}

/** What an answer says is wrong. */
const refusal = async (answer: ReturnType<typeof call>) => {
  const { status, body } = await answer;
  return [status, body.code];
};

const submit = async (wanted: object) => (await call('', { name: 'job', ...wanted })).body;

it('goes from submission to its end, and says so to whoever waits', async () => {
  const submitted = await call('', { name: 'answer', args: { q: 'why' }, channels: [{ name: 'tokens' }] });
  expect(submitted).toMatchObject({
    status: 201,
    body: { state: 'waiting', attempt: 1, args: { q: 'why' } },
  });
  const { id } = submitted.body;
  const end = call(`/${id}/wait?timeout=30000`);
  const assigned = await call('/assign', { executor_type: 'default' });
  const { assignment } = assigned.body;
  expect(assigned).toMatchObject({ status: 200, body: { id, state: 'running', attempt: 1 } });
  expect(assignment).toMatch(/^weir_asn_1_/);
  expect((await call('/assign', {})).status).toBe(204);

  expect((await call(`/${id}/heartbeat`, {}, { assignment })).status).toBe(200);
  expect(await refusal(call(`/${id}/heartbeat`, {}))).toEqual([403, 'forbidden']);
  const said = await call(`/${id}/channels/tokens/messages`, { sequence: 1, text: 'so' }, { assignment });
  expect(said).toMatchObject({ status: 201, body: { index: 1 } });
  expect((await call(`/${id}/wait?timeout=0`)).body).toMatchObject({ state: 'running' });

  const closed = await call(`/${id}/close`, { status: 'success', output: 42, assignment });
  expect(closed).toMatchObject({ status: 200, body: { state: 'success', output: 42 } });
  expect((await end).body).toEqual(closed.body);
  expect((await call(`/${id}`)).body).toEqual(closed.body);
  expect((await call('?name=answer&state=success')).body).toEqual({ processes: [closed.body], next: null });
  expect(await refusal(call(`/${id}/cancel`, {}))).toEqual([409, 'invalid_state']);
  expect(await refusal(call(`/${id}/heartbeat`, {}, { assignment }))).toEqual([409, 'stale_attempt']);
});

it('finds what was submitted with a key, and refuses what is wrong', async () => {
  const wanted = { name: 'once', executor_type: 'once', idempotency_key: 'k1' };
  const [first, again] = [await call('', wanted), await call('', wanted)];
  expect([first.status, again.status]).toEqual([201, 200]);
  expect(again.body.id).toBe(first.body.id);
  expect(await refusal(call('', { ...wanted, priority: 1 }))).toEqual([409, 'idempotency_conflict']);

  const channels = Array.from({ length: 101 }, (_, i) => ({ name: `c${i}` }));
  for (const [body, ...expected] of [
    [{}, 400, 'invalid_request'],
    [{ name: 'a\0b' }, 400, 'invalid_request'],
    [{ name: 'x', channels: [{ name: 'a b' }] }, 400, 'invalid_channel'],
    [{ name: 'x', channels: [{ name: 'a' }, { name: 'a' }] }, 409, 'channel_exists'],
    [{ name: 'x', channels }, 422, 'too_many_channels'],
    [{ name: 'x', args: 'x'.repeat(1024 * 1024) }, 413, 'body_too_large'],
    [{ name: 'x', args: 'x'.repeat(5 * 1024 * 1024) }, 413, 'body_too_large'],
  ] as const)
    expect(await refusal(call('', body)), JSON.stringify(body).slice(0, 80)).toEqual(expected);
  const deep = await weir.request('POST', '/api/v1/processes', {
    headers: { authorization: `Bearer ${weir.key}`, 'content-type': 'application/json' },
    body: `{"name":"deep","args":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
  });
  expect([deep.status, JSON.parse(deep.text)]).toMatchObject([400, { code: 'invalid_request' }]);
  expect(await refusal(call('/assign', { wait_ms: 30_001 }))).toEqual([400, 'invalid_request']);
  expect(await refusal(call('/no-id'))).toEqual([404, 'process_not_found']);
});

it('shows another project nothing, and needs the scope', async () => {
  const other = await weir.operator('POST', '/projects', { name: 'other' });
  const { api_key: key } = other.body as { api_key: string };
  const { id } = await submit({ executor_type: 'walled' });
  const notFound = [404, 'process_not_found'];
  expect(await refusal(call(`/${id}`, undefined, { key }))).toEqual(notFound);
  expect(await refusal(call(`/${id}/wait?timeout=0`, undefined, { key }))).toEqual(notFound);
  expect(await refusal(call(`/${id}/cancel`, {}, { key }))).toEqual(notFound);
  expect(await refusal(call(`/${id}/observers`, { add: ['me'] }, { key }))).toEqual(notFound);
  expect((await call('/assign', { executor_type: 'walled' }, { key })).status).toBe(204);
  expect((await call('', undefined, { key })).body).toMatchObject({ processes: [] });

  const narrow = await weir.operator('POST', `/projects/${weir.project}/keys`, {
    name: 'narrow',
    scopes: ['channel'],
  });
  const { api_key: narrowKey } = narrow.body as { api_key: string };
  expect(await refusal(call(`/${id}`, undefined, { key: narrowKey }))).toEqual([403, 'insufficient_scope']);
});

describe('a long poll', () => {
  it('gets a process as soon as there is one, and each goes to one of those who wait', async () => {
    const waiting = Array.from({ length: 5 }, () =>
      call('/assign', { executor_type: 'polled', wait_ms: 20_000 }),
    );
    const submitted = await Promise.all([0, 1, 2, 3, 4].map(() => submit({ executor_type: 'polled' })));
    const begun = Date.now();
    const got = await Promise.all(waiting);
    expect(Date.now() - begun).toBeLessThan(3_000);
    expect(got.map(({ body }) => body.id).sort()).toEqual(submitted.map(({ id }) => id).sort());
  });

  it('takes nothing for a client that has left', async () => {
    const leaving = new AbortController();
    const left = call('/assign', { executor_type: 'left', wait_ms: 20_000 }, { signal: leaving.signal });
    await delay(100);
    leaving.abort();
    await expect(left).rejects.toThrow();
    const { id } = await submit({ executor_type: 'left', max_retries: 0 });
    const { body } = await call('/assign', { executor_type: 'left', wait_ms: 10_000 });
    expect(body).toMatchObject({ id, attempt: 1 });
  });
});

it('is told of on the feed, and consumed by its key', async () => {
  const url = `${weir.url}/api/v1/projects/${weir.project}/feed?stream=processes`;
  const [all, cancelled] = [
    new FeedClient(url, weir.key),
    new FeedClient(`${url}&event=cancelled`, weir.key),
  ];
  await waitUntil('both to be open', () => all.isOpen && cancelled.isOpen);
  const args = ['consume', 'weir.process', '-p', 'name=told', '-p', 'state=cancelled', '--max-events', '1'];
  const consumer = await new Consumer(weir, [...args, '--timeout', '60s']).ready();
  const { id } = await submit({ name: 'told', executor_type: 'told' });
  await submit({ name: 'other', executor_type: 'told' });
  await call(`/${id}/cancel`, {});
  // What came before may still be on its way.
  const changes = () =>
    all.events
      .filter(({ executor_type }) => executor_type === 'told')
      .map(({ name, change }) => [name, change]);
  await waitUntil('the feed', () => changes().length === 3 && cancelled.events.length === 1);
  all.close();
  cancelled.close();
  expect(changes()).toEqual([
    ['told', 'submitted'],
    ['other', 'submitted'],
    ['told', 'cancelled'],
  ]);
  expect(cancelled.events).toMatchObject([{ id, state: 'cancelled', change: 'cancelled' }]);
  const ended = await consumer.ended();
  expect(ended.code).toBe(0);
  expect(consumer.documents()).toMatchObject([{ id, change: 'cancelled' }]);
});

it('loses nothing and tells everything once, through kills of the server', async () => {
  const url = `${weir.url}/api/v1/projects/${weir.project}/feed?stream=processes`;
  const client = new FeedClient(url, weir.key);
  await waitUntil('the feed', () => client.isOpen);
  const acknowledged = new Set<string>();
  const closed = new Map<string, unknown>();
  let isOver = false;
  const submitting = (async () => {
    for (let n = 0; !isOver; n += 1) {
      const wanted = {
        name: 'killed',
        executor_type: 'killed',
        idempotency_key: `killed ${n}`,
        channels: [{ name: 'c' }],
        max_exec_ms: 1_000,
        max_retries: 100,
      };
      // Again until it is answered: the key makes that safe.
      await waitUntil('an answer', async () => {
        const answer = await call('', wanted).catch(() => null);
        if (answer !== null && answer.status < 300) acknowledged.add(answer.body.id);
        return answer !== null && answer.status < 300;
      });
    }
  })();
  const work = async () => {
    while (!isOver || closed.size < acknowledged.size) {
      const got = await call('/assign', { executor_type: 'killed', wait_ms: 500 }).catch(() => null);
      if (got?.status !== 200) continue;
      const { id, assignment } = got.body;
      const message = { sequence: 1, text: 'done' };
      const said = await call(`/${id}/channels/c/messages`, message, { assignment }).catch(() => null);
      if (said?.status !== 201) continue;
      const answer = await call(`/${id}/close`, { status: 'success', assignment }).catch(() => null);
      if (answer?.status === 200) closed.set(id, answer.body.attempt);
      // The answer was lost: it may be closed all the same.
      const { body } = answer ?? (await call(`/${id}`).catch(() => ({ body: null })));
      if (body?.state === 'success') closed.set(id, body.attempt);
    }
  };
  const working = [work(), work(), work()];
  for (let round = 0; round < 3; round += 1) {
    const { size } = acknowledged;
    await waitUntil('some work', () => acknowledged.size > size + 5);
    await weir.kill();
    await weir.start();
  }
  isOver = true;
  await submitting;
  const isClosed = async (id: string) => (await call(`/${id}`)).body.state === 'success';
  await waitUntil(
    'all to be closed',
    async () => {
      for (const id of acknowledged) if (!closed.has(id) && (await isClosed(id))) closed.set(id, null);
      return closed.size >= acknowledged.size;
    },
    60_000,
  );
  await Promise.all(working);
  for (const id of acknowledged) {
    expect((await call(`/${id}`)).body).toMatchObject({ state: 'success' });
    const { body } = await call(`/${id}/channels/c/messages?as=text`);
    expect(body, id).toMatchObject({ closed: { reason: 'success' } });
  }
  await waitUntil('the feed to tell of every end', () => {
    const ends = client.events.filter(({ change }) => change === 'closed').map(({ id }) => id);
    return [...acknowledged].every((id) => ends.includes(id));
  });
  client.close();
  expect(new Set(client.ids).size).toBe(client.ids.length);
  const revisions = new Map<unknown, number>();
  for (const { id, event_id } of client.events) {
    const revision = Number(event_id.split('.')[1]);
    expect(revision).toBe((revisions.get(id) ?? 0) + 1);
    revisions.set(id, revision);
  }
});

it('lets those who wait go when the server stops', async () => {
  const { id } = await submit({ executor_type: 'stopped' });
  const waits = [
    call('/assign', { executor_type: 'nobody submits this', wait_ms: 30_000 }),
    call(`/${id}/wait?timeout=30000`),
  ];
  await delay(200);
  const begun = Date.now();
  const exit = weir.stop();
  expect((await Promise.all(waits)).map(({ status }) => status)).toEqual([204, 200]);
  expect(Date.now() - begun).toBeLessThan(9_000);
  expect(await exit).toBe(0);
  await weir.start();
  expect((await call(`/${id}`)).body).toMatchObject({ state: 'waiting' });
});
