import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { usageFile } from './harness/usage-file.js';
import { WeirProcess, waitUntil } from './index.js';

let weir: WeirProcess;
beforeAll(async () => {
  weir = await new WeirProcess({ WEIR_USAGE_SINKS: 'file' }).start();
});
afterAll(async () => await weir?.dispose());

interface Delivery {
  readonly id: string;
  readonly cursor: string;
  readonly attempt: number;
  readonly event: { readonly event: string; readonly event_id: string; readonly user_id?: string };
}
interface DeadLetter extends Omit<Delivery, 'attempt'> {
  readonly attempts: number;
  readonly died_at: string;
}
interface Answer {
  readonly status: number;
  readonly body: {
    readonly deliveries: readonly Delivery[];
    readonly dead: readonly DeadLetter[];
    readonly groups: readonly { readonly name: string }[];
    readonly [field: string]: unknown;
  };
}

/** Calls of one group, as an application makes them. */
class GroupClient {
  readonly #server: WeirProcess;
  readonly #name: string;
  readonly #key: string;

  constructor(name: string, server = weir, key = server.key) {
    this.#name = name;
    this.#server = server;
    this.#key = key;
  }

  async call(
    method: string,
    path = '',
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const { status, text } = await this.#server.request(
      method,
      `/api/v1/projects/${this.#server.project}/feed/groups${this.#name && `/${this.#name}`}${path}`,
      {
        headers: {
          authorization: `Bearer ${this.#key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
    );
    // The cast holds by the documentation, which the tests then show.
    return { status, body: (text === '' ? {} : JSON.parse(text)) as Answer['body'] };
  }

  async pull(o: object = {}): Promise<readonly Delivery[]> {
    const { status, body } = await this.call('POST', '/pull', { wait_ms: 5_000, ...o });
    expect({ status, code: body.code }).toEqual({ status: 200, code: undefined });
    return body.deliveries;
  }

  async settle(
    what: 'ack' | 'nack' | 'extend' | 'release',
    deliveries: readonly Delivery[],
    more: object = {},
  ) {
    const { status, body } = await this.call('POST', `/${what}`, {
      ids: deliveries.map(({ id }) => id),
      ...more,
    });
    expect(status).toBe(200);
    return Object.values(body)[0];
  }
}

async function group(name: string, options: object = {}, server = weir): Promise<GroupClient> {
  const client = new GroupClient(name, server);
  expect((await client.call('PUT', '', options)).status).toBe(201);
  return client;
}

async function send(event: string, users: readonly (string | null)[], server = weir): Promise<string[]> {
  const events = users.map((user_id) => ({ event, event_id: randomUUID(), timestamp: Date.now(), user_id }));
  expect((await server.send({ events })).status).toBe(202);
  return events.map(({ event_id }) => event_id);
}

const idsOf = (deliveries: readonly Delivery[]) => deliveries.map(({ event }) => event.event_id);

describe('a group', () => {
  it('takes back what was never tried, however often, and counts none of it', async () => {
    const client = await group('released', { event: ['released'] });
    const sent = await send('released', ['a', 'b']);
    for (let i = 0; i < 6; i += 1) {
      const got = await client.pull();
      expect(got.map(({ attempt }) => attempt)).toEqual([1, 1]);
      expect(await client.settle('release', got)).toBe(2);
    }
    expect(idsOf(await client.pull())).toEqual(sent);
    expect((await client.call('GET')).body).toMatchObject({ pending: 2, dead: 0 });
  });

  it('gives a member again at once what it never got, and says what it has lost', async () => {
    const client = await group('holding', { event: ['held'] });
    const sent = await send('held', ['a', 'b', 'c']);
    const first = await client.call('POST', '/pull', { wait_ms: 5_000, member: 'm', holding: [] });
    expect(first.body.lease_ms).toBe(30_000);
    const [a, b] = first.body.deliveries;
    // The answer with the last one was lost, say.
    const holding = [a?.id, b?.id];
    const again = await client.pull({ member: 'm', holding });
    expect(again.map(({ attempt, event }) => [attempt, event.event_id])).toEqual([[1, sent[2]]]);
    await client.settle('nack', first.body.deliveries.slice(0, 1));
    expect(idsOf(await client.pull({ member: 'n' }))).toEqual(sent.slice(0, 1));
    const extend = { ids: holding, member: 'm' };
    expect((await client.call('POST', '/extend', extend)).body).toEqual({ extended: 1, lost: [a?.id] });
    expect((await client.call('POST', '/extend', { ...extend, from: 'n' })).body).toEqual({
      extended: 2,
      lost: [],
    });
  });

  it('is for one task: members that name another are refused, unless nobody named one', async () => {
    const named = await group('one-task', { task: 'mail' });
    expect((await named.call('PUT', '', { task: 'bill' })).body).toMatchObject({ code: 'group_exists' });
    expect((await named.call('PUT', '', { task: 'mail' })).status).toBe(200);
    expect((await named.call('PUT', '', {})).body).toMatchObject({ task: 'mail' });
    const unnamed = await group('any-task');
    expect((await unnamed.call('PUT', '', { task: 'mail' })).body).toMatchObject({ task: null });
  });

  it('is made once, described, listed and forgotten', async () => {
    const client = new GroupClient('mailer.v1');
    expect(await client.call('PUT', '', { event: ['b', 'a', 'a'] })).toMatchObject({
      status: 201,
      body: {
        name: 'mailer.v1',
        stream: 'events',
        from: 'latest',
        event: ['a', 'b'],
        hold: false,
        pending: 0,
        lag: 0,
        dead: 0,
      },
    });
    expect((await client.call('PUT', '', { from: 'latest', event: ['a', 'b'] })).status).toBe(200);
    for (const [differs, options] of Object.entries({
      from: { event: ['a', 'b'], from: 'earliest' },
      event: { event: ['a'] },
      hold: { event: ['a', 'b'], hold: true },
    })) {
      expect(await client.call('PUT', '', options)).toMatchObject({
        status: 409,
        body: { code: 'group_exists', errors: [{ path: differs }], hint: expect.any(String) },
      });
    }
    for (const options of [{}, { event: ['b', 'a'] }, { hold: false }, { stream: 'events' }])
      expect((await client.call('PUT', '', options)).status).toBe(200);
    await send('c', ['u']);
    const [wanted] = await send('a', ['u']);
    expect(idsOf(await client.pull())).toEqual([wanted]);
    expect((await client.call('GET')).body).toMatchObject({ pending: 1, lag: 0 });
    const { body } = await new GroupClient('').call('GET');
    expect(body.groups.map(({ name }) => name)).toContain('mailer.v1');
    const waiting = client.call('POST', '/pull', { wait_ms: 30_000 });
    expect((await client.call('DELETE')).status).toBe(204);
    const missing = { status: 404, body: { code: 'group_not_found', hint: expect.any(String) } };
    expect(await waiting).toMatchObject(missing);
    expect(await client.call('DELETE')).toMatchObject(missing);
    expect(await client.call('POST', '/ack', { ids: ['1-1-1-1'] })).toMatchObject(missing);
    expect((await client.call('PUT', '', { hold: true, stream: 'usage' })).status).toBe(201);
    expect(await client.call('PUT', '', {})).toMatchObject({
      status: 200,
      body: { stream: 'usage', event: null, hold: true },
    });
    expect((await client.call('DELETE')).status).toBe(204);
  });

  it('begins where it is told to', async () => {
    const past = await send('begin', ['u', 'u']);
    const late = await group('late', { event: ['begin'] });
    const early = await group('early', { event: ['begin'], from: 'earliest' });
    const events = await early.pull();
    expect(idsOf(events)).toEqual(past);
    const after = await group('after', { event: ['begin'], from: events[0]?.cursor });
    const next = await send('begin', ['u']);
    expect(idsOf(await late.pull())).toEqual(next);
    expect(idsOf(await after.pull({ max: 2 }))).toEqual([past[1], ...next]);
  });

  it('shares the load, each person in order, until all is acknowledged', async () => {
    const client = await group('order', { event: ['order'] });
    const users = Array.from({ length: 300 }, (_, i) => (i % 7 === 0 ? null : `user ${i % 11}`));
    const sent = await send('order', users);
    const userOf = new Map(sent.map((id, i) => [id, users[i] ?? null]));
    const done: string[] = [];
    const member = async (name: string, nacks: number) => {
      let left = nacks;
      while (done.length < sent.length) {
        const got = await client.pull({ member: name, max: 13, wait_ms: 100 });
        if (got.length === 0) continue;
        if (left-- > 0) await client.settle('nack', got, { delay_ms: 30 });
        else {
          done.push(...idsOf(got));
          await client.settle('ack', got);
        }
      }
    };
    await Promise.all([member('a', 3), member('b', 0), member('c', 5)]);
    expect(new Set(done)).toEqual(new Set(sent));
    for (let i = 0; i < 11; i += 1) {
      const ofUser = (id: string) => userOf.get(id) === `user ${i}`;
      expect(done.filter(ofUser)).toEqual(sent.filter(ofUser));
    }
    expect((await client.call('GET')).body).toMatchObject({ pending: 0, lag: 0 });
  });

  it('gives an event up after five tries, and brings it back or forgets it when told to', async () => {
    const client = await group('poison', { event: ['poison'] });
    const [poison, behind] = await send('poison', ['u', 'u']);
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const [delivery, ...others] = await client.pull({ max: 1 });
      expect(others).toEqual([]);
      expect(delivery).toMatchObject({ attempt, event: { event_id: poison } });
      expect(await client.settle('nack', delivery ? [delivery] : [])).toBe(1);
    }
    const next = await client.pull();
    expect(idsOf(next)).toEqual([behind]);
    const dead = async () => (await client.call('GET', '/dead')).body.dead;
    const [letter] = await dead();
    expect(letter).toEqual({
      id: expect.any(String),
      cursor: expect.stringMatching(/^[\w-]{14}$/),
      attempts: 5,
      died_at: expect.stringMatching(/Z$/),
      event: expect.objectContaining({ event_id: poison, user_id: 'u' }),
    });
    expect((await client.call('GET', `/dead?after=${letter?.id}`)).body.dead).toEqual([]);
    expect((await client.call('GET')).body).toMatchObject({ dead: 1 });
    await client.settle('ack', next);
    expect((await client.call('POST', '/dead/retry', { ids: [letter?.id] })).body).toEqual({ retried: 1 });
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const again = await client.pull();
      expect(again).toMatchObject([{ attempt, event: { event_id: poison } }]);
      await client.settle('nack', again);
    }
    expect(await client.pull({ wait_ms: 0 })).toEqual([]);
    expect((await client.call('POST', '/dead/purge', {})).status).toBe(400);
    expect((await client.call('POST', '/dead/purge', { all: true })).body).toEqual({ purged: 1 });
    expect(await dead()).toEqual([]);
  });

  it('lets a member have a thousand events, and no more', async () => {
    const client = await group('bound', { event: ['bound'] });
    for (let i = 0; i < 3; i += 1)
      await send(
        'bound',
        Array.from({ length: 500 }, (_, n) => `${i}-${n}`),
      );
    const got: Delivery[] = [];
    while (got.length < 1000) got.push(...(await client.pull({ max: 700, member: 'a' })));
    expect(got).toHaveLength(1000);
    expect(await client.call('POST', '/pull', { member: 'a', wait_ms: 5_000 })).toMatchObject({
      status: 429,
      body: { code: 'too_many_unacknowledged', limit: 1000, hint: expect.any(String) },
    });
    expect(await client.pull({ max: 1 })).toHaveLength(1);
    expect(await client.settle('extend', got)).toBe(1000);
    expect(await client.settle('ack', got.slice(0, 20))).toBe(20);
    expect(await client.pull({ max: 700, member: 'a' })).toHaveLength(20);
  });

  it('is metered, and refuses what it does not know', async () => {
    const client = await group('metered', { event: ['metered'] });
    await send('metered', Array.from({ length: 45 }, String));
    await waitUntil('all of it', async () => (await client.call('GET')).body.lag === 45);
    const rid = randomUUID();
    await client.call('POST', '/pull', {}, { 'x-request-id': rid });
    const [record] = await waitUntil('the record', () => {
      const found = usageFile(weir).filter((line) => line.rid === rid);
      return found.length > 0 ? found : null;
    });
    expect(record).toMatchObject({
      stack: 'feed:POST /api/v1/projects/:id/feed/groups/:name/pull',
      http_status: 200,
      fuel: 10 + 4,
    });
    for (const [path, body] of [
      ['/pull', { max: 1001 }],
      ['/pull', { wait: 1 }],
      ['/ack', {}],
      ['/ack', { ids: ['nonsense'] }],
      ['/nack', { ids: ['1-1-1-1'], delay_ms: -1 }],
    ] as const) {
      expect(await client.call('POST', path, body)).toMatchObject({
        status: 400,
        body: { code: 'invalid_request' },
      });
    }
    for (const options of [{ event: ['x'.repeat(201)] }, { event: Array.from({ length: 101 }, String) }])
      expect(await new GroupClient('x').call('PUT', '', options)).toMatchObject({ status: 400 });
    expect(await new GroupClient('a b').call('PUT')).toMatchObject({ status: 400 });
    expect(await new GroupClient('x').call('PUT', '', { from: 'AAAAAAAAAAAAAA' })).toMatchObject({
      status: 410,
    });
    expect(await new GroupClient('metered', weir, weir.token).call('GET')).toMatchObject({ status: 401 });
    const { body } = await weir.operator('POST', '/projects', { name: 'neighbour' });
    const other = (body as { api_key: string }).api_key;
    expect(await new GroupClient('metered', weir, other).call('GET')).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    });
  });
});

it('what was not acknowledged comes again after a kill of the server, what was never does', async () => {
  const server = await new WeirProcess({ WEIR_FEED_GROUP_LEASE: '10s' }).start();
  try {
    const client = await group('kill', { from: 'earliest' }, server);
    const sent = await send(
      'e',
      Array.from({ length: 200 }, (_, i) => `u${i % 20}`),
      server,
    );
    const all: Delivery[] = [];
    while (all.length < 120) all.push(...(await client.pull({ max: 120 - all.length })));
    await client.settle('ack', all.slice(0, 50));
    const lent = all.slice(50);
    await server.killAll();
    await server.start();
    expect((await client.call('GET')).body).toMatchObject({ pending: 70 });
    const seen = new Map<string, number>();
    // What was lent comes when its 10 s are over.
    await waitUntil(
      'the rest',
      async () => {
        const got = await client.pull({ wait_ms: 5_000 });
        for (const { event, attempt } of got) seen.set(event.event_id, attempt);
        if (got.length > 0) await client.settle('ack', got);
        return seen.size >= 150;
      },
      60_000,
    );
    const acknowledged = new Set(idsOf(all.slice(0, 50)));
    expect(new Set(seen.keys())).toEqual(new Set(sent.filter((id) => !acknowledged.has(id))));
    for (const id of idsOf(lent)) expect(seen.get(id)).toBe(2);
    expect(await client.pull({ wait_ms: 0 })).toEqual([]);
  } finally {
    await server.dispose();
  }
}, 120_000);

/** Whether the feed no longer has what comes after a cursor. */
async function isTrimmed(
  { url }: WeirProcess,
  project: string,
  key: string,
  cursor: string,
): Promise<boolean> {
  const response = await fetch(`${url}/api/v1/projects/${project}/feed?after=${cursor}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  await response.body?.cancel();
  return response.status === 410;
}

it('does not stop trimming unless it holds, and says once what it missed', async () => {
  const server = await new WeirProcess({
    WEIR_FEED_RETENTION_BYTES: '200KiB',
    WEIR_INGEST_FLUSH_INTERVAL: '100ms',
  }).start();
  const sendMany = async (token: string) => {
    for (let i = 0; i < 5; i += 1) {
      const events = Array.from({ length: 100 }, (_, n) => ({
        event: 'e',
        event_id: `n${100 * i + n}`,
        timestamp: Date.now(),
        properties: { pad: 'x'.repeat(1000) },
      }));
      await server.send({ events }, { authorization: `Bearer ${token}` });
    }
  };
  try {
    const { body } = await server.operator('POST', '/projects', { name: 'neighbour' });
    const neighbour = body as { id: string; ingest_token: string; api_key: string };
    const [holds, passes] = [await group('holds', { hold: true }, server), await group('passes', {}, server)];
    await sendMany(server.token);
    const [first] = await holds.pull({ max: 1 });
    const cursor = first?.cursor ?? '';
    await sendMany(neighbour.ingest_token);
    // Its first cursor is the same, as it has no epoch of its own.
    await waitUntil('retention', () => isTrimmed(server, neighbour.id, neighbour.api_key, cursor), 20_000);
    expect(await isTrimmed(server, server.project, server.key, cursor)).toBe(false);
    expect((await passes.call('GET')).body).toMatchObject({ lag: 500 });
    expect((await holds.call('DELETE')).status).toBe(204);
    await waitUntil('retention', () => isTrimmed(server, server.project, server.key, cursor), 20_000);
    const expired = await passes.call('POST', '/pull', {});
    expect(expired).toMatchObject({
      status: 410,
      body: { code: 'cursor_expired', oldest: expect.any(String), hint: expect.any(String) },
    });
    const rest = await passes.pull({ max: 1000 });
    expect(rest[0]?.event.event_id).toBe(`n${expired.body.missed}`);
    expect(rest).toHaveLength(500 - Number(expired.body.missed));
  } finally {
    await server.dispose();
  }
}, 120_000);
