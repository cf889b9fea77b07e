import { randomUUID } from 'node:crypto';
import { freePort } from '@weir/base/testing';
import { Weir, WeirError, withIds } from '@weir/client';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { AnswerLoser } from './harness/answer-loser.js';
import { FaultProxy } from './harness/fault-proxy.js';
import { sharedWeir } from './harness/shared-weir.js';
import { waitUntil } from './harness/wait-until.js';
import type { WeirProject } from './harness/weir-project.js';

let server: WeirProject;
const ends: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  server = await sharedWeir();
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A client with all credentials of the project. */
function client(url = server.url, patienceMs = 20_000): Weir {
  const { key, token, operatorKey } = server;
  const weir = new Weir({ url, key, token, operatorKey, patienceMs });
  ends.push(() => weir.close());
  return weir;
}

/** A name that no other test has. */
const unique = (name: string): string => `${name}_${randomUUID().slice(0, 8)}`;

test('ingest counts each event once when an answer is lost, and says which events are malformed', async () => {
  const loser = await AnswerLoser.before(server.url);
  ends.push(() => loser.close());
  const weir = client(loser.url);
  const event = unique('lost');
  loser.lose(1);
  const sent = await weir.ingest([{ event, user_id: 'u1', seats: 3 }, { event: '' }, { event, user_id: 7 }]);
  expect(loser.requests).toHaveLength(2);
  expect(sent).toMatchObject({ accepted: 0, duplicates: 2, rejected: 1, errors: [{ index: 1 }] });
  const again = withIds([{ event, user_id: 'u2' }]);
  const first = await weir.ingest(again, { wait: 'stored' });
  expect([first.accepted, (await weir.ingest(again)).duplicates]).toEqual([1, 1]);
  expect(await first.receipt.wait({ timeoutMs: 30_000 })).toMatchObject({
    state: 'stored',
    counts: { stored: 1 },
    storedAt: expect.any(Date),
  });
  expect(
    await client()
      .receipt(...first.receipt.ids)
      .get(),
  ).toMatchObject({ state: 'stored' });
  const sql = 'SELECT user_id FROM events WHERE event = {event:String} ORDER BY user_id';
  const stored = () => weir.query<{ user_id: string }>(sql, { params: { event } });
  const { rows } = await waitUntil('all events', async () => {
    const found = await stored();
    return found.rows.length >= 3 ? found : null;
  });
  expect(rows).toEqual([{ user_id: '7' }, { user_id: 'u1' }, { user_id: 'u2' }]);
});

test('ingest sends more events than a request takes, and names the one that is too large', async () => {
  const weir = client();
  const event = unique('many');
  const events = Array.from({ length: 12_000 }, (_, i) => ({
    event,
    properties: i === 5_500 ? { text: 'x'.repeat(11 * 2 ** 20) } : {},
  }));
  const { accepted, rejected, errors, receipt } = await weir.ingest(events);
  expect([accepted, rejected, errors.map(({ index }) => index)]).toEqual([11_999, 1, [5_500]]);
  expect(await receipt.wait({ timeoutMs: 60_000 })).toMatchObject({
    state: 'stored',
    counts: { stored: 11_999, logged: 0 },
  });
  const seen = new Set<string>();
  const sql = `SELECT event_id FROM events WHERE event = '${event}'`;
  for await (const { event_id } of weir.queryRows<{ event_id: string }>(sql)) seen.add(event_id);
  expect(seen.size).toBe(11_999);
  expect(await weir.query(sql)).toMatchObject({ truncated: true, stats: { rows: 10_000 } });
});

test('a query has typed rows and parameters, other formats, and errors with their place', async () => {
  const weir = client();
  const sql = 'SELECT {n:UInt8} + 1 AS next, toUInt64(1) AS big, [1, 2] AS list';
  expect(await weir.query<{ next: number }>(sql, { params: { n: 41 } })).toMatchObject({
    rows: [{ next: 42, big: '1', list: [1, 2] }],
    columns: [{ name: 'next', type: 'UInt16' }, { name: 'big' }, { name: 'list' }],
    truncated: false,
    stats: { rows: 1, elapsedMs: expect.any(Number) },
  });
  const csv = await weir.queryBytes('SELECT 1 AS a', { format: 'csv' });
  expect(await new Response(csv).text()).toBe('"a"\n1\n');
  const failure: unknown = await weir.query('SELECT count( FROM events').catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(WeirError);
  expect(failure).toMatchObject({
    code: 'sql_invalid',
    status: 400,
    retryable: false,
    facts: { position: { line: 1 } },
    requestId: expect.any(String),
  });
  const rows = weir.queryRows('SELECT nothing FROM events');
  await expect(rows.next()).rejects.toMatchObject({ code: 'query_failed' });
  const stop = new AbortController();
  const many = weir.queryRows('SELECT number FROM numbers(1000000000)', { signal: stop.signal });
  expect(await many.next()).toEqual({ value: { number: '0' }, done: false });
  stop.abort();
  const drained = async () => {
    for await (const _ of many);
  };
  await expect(drained()).rejects.toMatchObject({ code: 'cancelled' });
  await expect(weir.query('SELECT 1', { signal: stop.signal })).rejects.toMatchObject({ code: 'cancelled' });
});

test('schema, usage and whoami describe the project of the key', async () => {
  const weir = client();
  const event = unique('described');
  const { receipt } = await weir.ingest([{ event, properties: { plan: 'pro' } }]);
  await receipt.wait();
  expect(await weir.whoami()).toMatchObject({ projectId: server.project, scopes: expect.any(Array) });
  const { tables, events } = await weir.schema();
  expect([tables.map(({ name }) => name), events]).toEqual([['events', 'persons', 'sessions'], []]);
  const found = (await weir.schema({ properties: true })).events.find(({ event: name }) => name === event);
  expect(found).toMatchObject({
    count: 1,
    firstSeen: expect.any(String),
    properties: [{ key: 'plan', types: ['string'] }],
  });
  const usage = await waitUntil('the usage of a query', async () => {
    const answer = await weir.usage({ from: new Date(Date.now() - 3_600_000), groupBy: ['day', 'src'] });
    return answer.usage.some(({ src, requests }) => src === 'http' && requests > 0) ? answer : null;
  });
  expect(usage).toMatchObject({
    projectId: server.project,
    usage: [{ bytesIn: expect.any(Number) }, ...usage.usage.slice(1)],
  });
  await expect(weir.usage({ groupBy: ['week' as 'day'] })).rejects.toMatchObject({ code: 'invalid_request' });
});

test('a feed goes on from its cursor when connections break, and ends with the newest item if asked to', async () => {
  const proxy = await FaultProxy.before({ port: server.port, host: '127.0.0.1' });
  ends.push(() => proxy.close());
  const weir = client(`http://127.0.0.1:${proxy.port}`);
  const direct = client();
  const event = unique('followed');
  const send = (from: number, count: number) =>
    direct.ingest(Array.from({ length: count }, (_, i) => ({ event, properties: { i: from + i } })));
  await send(0, 3);
  const there: boolean[] = [];
  const stop = new AbortController();
  const feed = weir.feed({
    event: [event],
    after: 'earliest',
    signal: stop.signal,
    onConnection: (isThere) => there.push(isThere),
  });
  const seen: unknown[] = [];
  for await (const item of feed) {
    seen.push(item.event.properties.i);
    expect(JSON.parse(item.text)).toEqual(item.event);
    if (seen.length === 3) {
      await proxy.refuse();
      await send(3, 3);
      setTimeout(() => void proxy.restore(), 300);
    }
    if (seen.length === 6) break;
  }
  expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
  expect(there).toEqual([false, true]);
  const rest: unknown[] = [];
  const past = direct.feed({ event: [event], after: 'earliest', until: 'latest' });
  for await (const item of past) rest.push(item.event.properties.i);
  expect(rest).toEqual([0, 1, 2, 3, 4, 5]);
  await send(6, 1);
  for await (const item of feed) {
    expect(item.event.properties.i).toBe(6);
    stop.abort();
  }
});

test('a feed fails where it cannot go on: a bad cursor, a wrong key, no server', async () => {
  const first = async (weir: Weir, after: string) => {
    for await (const item of weir.feed({ after })) return item;
    return null;
  };
  await expect(first(client(), 'nonsense')).rejects.toMatchObject({ code: 'invalid_request' });
  const stranger = new Weir({ url: server.url, key: `weir_sec_${'0'.repeat(64)}`, project: server.project });
  await expect(first(stranger, 'latest')).rejects.toMatchObject({ code: 'unauthorized' });
  const url = `http://127.0.0.1:${await freePort()}`;
  const away = new Weir({ url, key: server.key, project: 'p', patienceMs: 0 });
  await expect(first(away, 'latest')).rejects.toMatchObject({
    code: 'unreachable',
    message: `no answer from ${url}: nothing listens there`,
  });
});

test('members of a group handle each event, in the order of its person, and again after a failure', async () => {
  const weir = client();
  const event = unique('work');
  const group = await weir.groups.create(unique('g'), { event: [event], from: 'earliest' });
  const people = ['a', 'b', 'c'];
  await weir.ingest(
    people.flatMap((user_id) =>
      Array.from({ length: 20 }, (_, i) => ({ event, user_id, properties: { i } })),
    ),
  );
  const done = new Map<string, unknown[]>();
  const failures: unknown[] = [];
  const members = [1, 2].map(() =>
    group.consume(
      async ({ event: { user_id, properties }, attempt }) => {
        if (user_id === 'b' && properties.i === 7 && attempt === 1) throw new Error('out of ink');
        const key = String(user_id);
        done.set(key, [...(done.get(key) ?? []), properties.i]);
      },
      { concurrency: 4, max: 10, retryDelayMs: 10, onError: (error) => failures.push(error) },
    ),
  );
  await waitUntil('all events to be done', () => [...done.values()].flat().length === 60);
  await Promise.all(members.map((member) => member.close()));
  for (const person of people) expect(done.get(person)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  expect(failures).toEqual([new Error('out of ink')]);
  expect(await weir.groups.get(group.name)).toMatchObject({ name: group.name, pending: 0, lag: 0, dead: 0 });
  expect((await weir.groups.list()).map(({ name }) => name)).toContain(group.name);
  await weir.groups.delete(group.name);
  const late = group.consume(() => {}, { onError: () => {} });
  await expect(late.closed).rejects.toMatchObject({ code: 'group_not_found' });
});

test('a group can be worked by hand: pull, extend, release, nack, ack, and its dead items', async () => {
  const weir = client();
  const event = unique('hand');
  const group = await weir.groups.create(unique('g'), { event: [event], from: 'earliest' });
  await weir.ingest([{ event, properties: { i: 0 } }]);
  const pull = () => group.pull({ max: 1, waitMs: 20_000, member: 'm' });
  const { deliveries, leaseMs } = await pull();
  expect([leaseMs > 0, deliveries[0]?.attempt, deliveries[0]?.event.event]).toEqual([true, 1, event]);
  const ids = deliveries.map(({ id }) => id);
  expect(await group.extend(ids, { member: 'm' })).toEqual({ extended: 1, lost: [] });
  expect(await group.extend(ids, { member: 'other' })).toEqual({ extended: 0, lost: ids });
  expect(await group.release(ids)).toBe(1);
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const again = await pull();
    expect(again.deliveries.map((one) => one.attempt)).toEqual([attempt]);
    expect(await group.nack(again.deliveries.map(({ id }) => id))).toBe(1);
  }
  expect((await group.pull({ member: 'm' })).deliveries).toEqual([]);
  const dead = await group.dead();
  expect(dead).toMatchObject([{ attempts: 5, diedAt: expect.any(String), event: { event } }]);
  expect(await group.retryDead({ ids: dead.map(({ id }) => id) })).toBe(1);
  const last = await pull();
  expect(await group.ack(last.deliveries.map(({ id }) => id))).toBe(1);
  expect(await group.purgeDead({ all: true })).toBe(0);
  await expect(weir.groups.create(group.name, { event: ['other'] })).rejects.toMatchObject({
    code: 'group_exists',
    facts: { errors: expect.any(Array) },
  });
});

test('a member extends its leases while a handler works longer than one', async () => {
  const weir = client();
  const event = unique('long');
  const group = await weir.groups.create(unique('g'), { event: [event], from: 'earliest' });
  await weir.ingest([{ event, user_id: 'u' }]);
  const { deliveries, leaseMs } = await group.pull({ waitMs: 20_000, member: 'control' });
  expect(await group.release(deliveries.map(({ id }) => id))).toBe(1);
  // A shared server lends for 30 s, which no test waits for: the extension itself must arrive.
  const loser = await AnswerLoser.before(server.url);
  ends.push(() => loser.close());
  const other = client(loser.url);
  let finish = (): void => {};
  const working = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const consumer = other.groups.open(group.name).consume(() => working);
  const isExtended = () => loser.requests.some((line) => line.endsWith('/extend'));
  await waitUntil('a lease to be extended', isExtended, leaseMs);
  finish();
  await waitUntil('the acknowledgement', () => loser.requests.some((line) => line.endsWith('/ack')));
  await consumer.close();
  expect(await weir.groups.get(group.name)).toMatchObject({ pending: 0, dead: 0 });
});

test('processes are submitted once, listed, waited for and cancelled', async () => {
  const loser = await AnswerLoser.before(server.url);
  ends.push(() => loser.close());
  const weir = client(loser.url);
  const name = unique('job');
  loser.lose(1);
  const job = await weir.processes.submit({ name, args: { n: 1 }, executorType: name });
  await weir.processes.submit({ name, executorType: name });
  const listed: string[] = [];
  for await (const { id } of weir.processes.list({ name })) listed.push(id);
  expect([listed.length, listed.at(-1)]).toEqual([2, job.id]);
  expect(await weir.processes.get(job.id)).toMatchObject({
    state: 'waiting',
    args: { n: 1 },
    createdAt: expect.any(Date),
    closedAt: null,
  });
  expect(await weir.processes.cancel(listed[0] ?? '')).toMatchObject({ state: 'cancelled' });
  const worker = weir.worker(name, ({ args }) => ({ got: args }));
  expect(await weir.processes.wait(job.id)).toMatchObject({ state: 'success', output: { got: { n: 1 } } });
  await worker.close();
  const { keyId } = await weir.whoami();
  await expect(job.changeObservers({ add: [keyId] })).resolves.toMatchObject({ id: job.id });
  await expect(weir.processes.get(randomUUID())).rejects.toMatchObject({ code: 'process_not_found' });
});

test('the operator makes projects, credentials and limits, and has the ingest switch', async () => {
  const { admin } = client();
  const made = await admin.projects.create('a client test');
  const { id } = made;
  expect((await admin.projects.list()).find((one) => one.id === id)).toMatchObject({ name: 'a client test' });
  const inside = new Weir({ url: server.url, key: made.apiKey, token: made.ingestToken });
  ends.push(() => inside.close());
  expect(await inside.ingest([{ event: 'inside' }])).toMatchObject({ accepted: 1 });

  const token = await admin.tokens(id).create({ name: 'web', allowedOrigins: ['https://shop.example'] });
  expect((await admin.tokens(id).list()).find((one) => one.id === token.id)).toMatchObject({
    name: 'web',
    allowedOrigins: ['https://shop.example'],
    revokedAt: null,
  });
  await admin.tokens(id).revoke(token.id);
  const key = await admin.keys(id).create({ scopes: ['feed'], expiresAt: new Date(Date.now() + 3_600_000) });
  expect(await new Weir({ url: server.url, key: key.apiKey }).whoami()).toMatchObject({
    projectId: id,
    scopes: ['feed'],
    expiresAt: expect.any(String),
  });
  await admin.keys(id).revoke(key.id);
  const revoked = (await admin.keys(id).list()).find((one) => one.id === key.id);
  expect(revoked?.revokedAt).toEqual(expect.any(String));

  expect(
    await admin.tenants.set(id, { suspended: true, denyStatus: 402, denyReason: 'unpaid' }),
  ).toMatchObject({
    projectId: id,
    suspended: true,
  });
  await expect(inside.query('SELECT 1')).rejects.toMatchObject({ code: 'payment_required', status: 402 });
  await admin.tenants.set(id, { suspended: false, rateLimitRps: 0 });
  expect(await admin.tenants.get(id)).toMatchObject({ suspended: false, denyReason: 'unpaid' });
  expect((await admin.tenants.list()).some(({ projectId }) => projectId === id)).toBe(true);
  expect(await admin.tenants.usage(id)).toMatchObject({ projectId: id });

  expect(await admin.deadLetters.overview()).toMatchObject({ depth: expect.any(Number) });
  expect(await admin.deadLetters.retry({ projectId: id })).toBe(0);
  const letters: string[] = [];
  for await (const letter of inside.deadLetters.list({ state: 'quarantined' })) letters.push(letter.id);
  expect(letters).toEqual([]);

  await admin.setIngestEnabled(false);
  try {
    expect(await admin.ingestIsEnabled()).toBe(false);
    const impatient = new Weir({ url: server.url, key: made.ingestToken, patienceMs: 0 });
    await expect(impatient.ingest([{ event: 'x' }])).rejects.toMatchObject({ code: 'ingest_disabled' });
  } finally {
    await admin.setIngestEnabled(true);
  }
  await admin.projects.delete(id);
  expect((await admin.projects.listDeleted()).some((one) => one.id === id)).toBe(true);
  expect(await admin.projects.restore(id)).toMatchObject({ id, name: 'a client test' });
  await admin.projects.delete(id);
  await expect(inside.admin.projects.list()).rejects.toMatchObject({ code: 'unauthorized', status: 401 });
});
