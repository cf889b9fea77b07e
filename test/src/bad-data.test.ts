/**
 * Unusual data: Weir stores all of it as sent, or rejects it individually. Rows that ClickHouse refuses delay
 * neither their neighbours nor other tenants. Constraints on its table make ClickHouse refuse.
 */
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { type DeadLetter, Weir } from '@weir/client';
import { type TestDatabase, testServer } from '@weir/postgres/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClickHouseServer, WeirProcess, waitUntil } from './index.js';

const TABLE = 'weir_base.events_raw_v1';
const MIB = 1024 * 1024;

let database: TestDatabase;
let clickhouse: ClickHouseServer;
let weir: WeirProcess;
let other: { readonly id: string; readonly ingest_token: string };

beforeAll(async () => {
  [database, clickhouse] = await Promise.all([testServer(), ClickHouseServer.start()]);
  weir = await new WeirProcess({
    WEIR_CLICKHOUSE_URL: clickhouse.url,
    WEIR_POSTGRES_URL: database.url,
    WEIR_INGEST_FLUSH_INTERVAL: '100ms',
  }).start();
  await waitUntil('ClickHouse', () => weir.answers('/readyz?for=query'));
  other = (await weir.operator('POST', '/projects', { name: 'other' })).body as typeof other;
});
afterAll(async () => {
  await weir?.dispose();
  await Promise.all([database?.close(), clickhouse?.close()]);
});

interface Answer {
  readonly accepted: number;
  readonly rejected: number;
  readonly errors?: readonly { readonly index: number; readonly reason: string }[];
  readonly receipt?: string;
  readonly state?: string;
}

async function post(
  body: string | Uint8Array,
  { token = weir.token, query = '', headers = {} as Record<string, string> } = {},
): Promise<{ status: number; json: Answer }> {
  const { status, text } = await weir.request('POST', `/api/v1/ingest/events${query}`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    body,
  });
  return { status, json: JSON.parse(text) as Answer };
}

const stored = (query: string) =>
  clickhouse.direct.query<Record<string, string>>(
    `SELECT event, event_id, toString(timestamp) AS timestamp, properties, extras FROM ${TABLE} WHERE ${query}`,
  );

describe('is stored as it was sent', () => {
  const readBack = async (events: string): Promise<Record<string, string>[]> => {
    const { status, json } = await post(`{"events":[${events}]}`, { query: '?wait=stored' });
    expect({ status, rejected: json.rejected, state: json.state }).toEqual({
      status: 202,
      rejected: 0,
      state: 'stored',
    });
    const name = /"event":"([^"]+)"/.exec(events)?.[1] ?? '';
    return await stored(`event = '${name}' ORDER BY log_offset, log_index`);
  };

  it('events of 101 odd months in one batch', async () => {
    const months = Array.from({ length: 101 }, (_, i) => Date.UTC(1970 + ((i * 37) % 230), i % 12, 3));
    const rows = await readBack(
      months.map((at) => `{"event":"months","timestamp":"${new Date(at).toISOString()}"}`).join(),
    );
    expect(rows.map(({ timestamp }) => Date.parse(`${timestamp?.replace(' ', 'T')}Z`)).sort()).toEqual(
      [...months].sort(),
    );
  });

  it('\\u0000, in names, keys and values', async () => {
    const [row] = await readBack(
      '{"event":"nul","event_id":"a\\u0000b","timestamp":1700000000001,"properties":{"k\\u0000":"v\\u0000"}}',
    );
    expect(row).toMatchObject({ event_id: 'a\0b' });
    expect(JSON.parse(row?.properties ?? '')).toEqual({ 'k\0': 'v\0' });
  });

  it('`__proto__`, `constructor` and duplicate keys, in order and without effect', async () => {
    const [row] = await readBack(
      '{"event":"proto","timestamp":1700000000001,"__proto__":{"polluted":1},"constructor":2,"properties":{"__proto__":{"x":1},"a":1,"a":2},"extras":{"toString":"t"}}',
    );
    expect(row?.properties).toBe('{"__proto__":{"x":1},"a":2}');
    expect(Object.entries(JSON.parse(row?.extras ?? '') as object)).toEqual([
      ['toString', 't'],
      ['__proto__', { polluted: 1 }],
      ['constructor', 2],
    ]);
  });

  it('numbers with more digits than a double has', async () => {
    const text = '{"big":12345678901234567890123,"small":0.1000000000000000055511151231257827,"n":-0}';
    const [row] = await readBack(`{"event":"digits","timestamp":1700000000001,"properties":${text}}`);
    expect(row?.properties).toBe(text.replace('12345678901234567890123', '"12345678901234567890123"'));
  });

  it('a body of 10 MiB, and the largest event', async () => {
    const text = 'x'.repeat(MIB - 100);
    const events = Array.from(
      { length: 9 },
      () => `{"event":"large","timestamp":1700000000001,"properties":{"t":"${text}"}}`,
    );
    const rows = await readBack(events.join());
    expect(rows).toHaveLength(9);
    for (const { properties = '' } of rows) expect(properties.length).toBe(text.length + 8);
  });
});

describe('is refused alone', () => {
  const nested = '['.repeat(10_000) + ']'.repeat(10_000);
  it.each([
    ['an event over 1 MiB', `{"properties":{"t":"${'x'.repeat(MIB)}"}}`, 'event larger than 1 MiB'],
    ['a lone surrogate in an id', '{"event_id":"\\ud800"}', 'event_id is not valid Unicode'],
    ['a number no double can hold', '{"properties":{"n":1e999}}', /^properties: /],
    ['a time without a zone', '{"timestamp":"2026-01-01T00:00:00"}', /^timestamp invalid: send /],
    ['an object for a name', '{"event":{}}', 'event must be a string'],
  ])('%s, and its neighbours are stored', async (name, odd, reason) => {
    const neighbour = `{"event":"beside ${name}","timestamp":1700000000001}`;
    const strange = `{"event":"odd","timestamp":1700000000001,${odd.slice(1)}`;
    const { status, json } = await post(`{"events":[${neighbour},${strange},${neighbour}]}`, {
      query: '?wait=stored',
    });
    expect(status).toBe(202);
    const expected = typeof reason === 'string' ? reason : expect.stringMatching(reason);
    expect(json).toMatchObject({ accepted: 2, rejected: 1, state: 'stored' });
    expect(json.errors).toEqual([{ index: 1, reason: expected }]);
    expect(await stored(`event = 'beside ${name}'`)).toHaveLength(2);
  });

  it('JSON nested 10,000 deep, and its neighbours are stored', async () => {
    const events = ['1', nested, '2'].map(
      (v) => `{"event":"deep","timestamp":1700000000001,"properties":{"v":${v}}}`,
    );
    const { status, json } = await post(`{"events":[${events.join()}]}`, { query: '?wait=stored' });
    expect(status).toBe(202);
    expect(json.state).toBe('stored');
    const rows = await stored("event = 'deep' ORDER BY log_offset, log_index");
    const texts = rows.map(({ properties }) => properties);
    expect(json.errors).toEqual([{ index: 1, reason: 'properties nested deeper than 500' }]);
    expect(texts).toEqual(['{"v":1}', '{"v":2}']);
  });

  it('bombs: a body is bounded by what it unpacks to, and the server does not grow', async () => {
    const before = await residentBytes();
    for (const [encoding, bomb] of [
      ['gzip', gzipSync(Buffer.alloc(500 * MIB, ' '))],
      ['br', brotliCompressSync(Buffer.alloc(100 * MIB, ' '))],
    ] as const) {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => post(bomb, { headers: { 'content-encoding': encoding } })),
      );
      for (const { status } of answers) expect(status).toBe(413);
    }
    expect((await residentBytes()) - before).toBeLessThan(300 * MIB);
  });

  const residentBytes = async (): Promise<number> => {
    const { text } = await weir.request('GET', '/metrics');
    return Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1]);
  };
});

describe('rows that ClickHouse refuses', () => {
  const batch = (name: string, count: number, bad: ReadonlySet<number>) =>
    JSON.stringify({
      events: Array.from({ length: count }, (_, i) => ({
        event: bad.has(i) ? 'refused row' : name,
        event_id: `${name}-${i}`,
        timestamp: 1_700_000_000_001,
      })),
    });
  const receiptOf = async (receipt: string) => {
    const { text } = await weir.request('GET', `/api/v1/ingest/receipts/${receipt}`, {
      headers: { authorization: `Bearer ${weir.token}` },
    });
    return JSON.parse(text) as { state: string; counts: Record<string, number>; reasons?: string[] };
  };
  const dlq = async (method: string, path: string, body?: object) => {
    const { status, text } = await weir.request(method, `/api/v1/projects/${weir.project}/dlq${path}`, {
      headers: {
        authorization: `Bearer ${weir.key}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status, json: JSON.parse(text) as Record<string, unknown> };
  };
  interface Letter {
    id: string;
    event_count: number;
    reason: string;
    state: string;
    last_error?: string;
  }

  beforeAll(async () => {
    await clickhouse.direct.command(`ALTER TABLE ${TABLE} ADD CONSTRAINT odd CHECK event != 'refused row'`);
  });

  it('are quarantined with the reason; the good ones and other tenants do not wait for them', async () => {
    const bad = new Set([0, 7, 499]);
    // Both tenants at once, so that they share batches.
    const [mine, ...theirs] = await Promise.all([
      post(batch('mixed', 500, bad)),
      ...Array.from({ length: 5 }, (_, i) =>
        post(`{"events":[{"event":"theirs","event_id":"theirs-${i}","timestamp":1700000000001}]}`, {
          token: other.ingest_token,
          query: '?wait=stored',
        }),
      ),
    ]);
    for (const { json } of theirs) expect(json.state).toBe('stored');
    expect(mine.json.accepted).toBe(500);
    const receipt = mine.json.receipt ?? '';
    await waitUntil(
      'the refused rows to be found',
      async () => (await receiptOf(receipt)).counts.quarantined === 3,
    );
    expect(await receiptOf(receipt)).toMatchObject({
      state: 'quarantined',
      counts: { logged: 0, dead_letter: 0, quarantined: 3, purged: 0, stored: 497 },
      reasons: ['violated_constraint'],
    });
    expect(await stored("event = 'mixed'")).toHaveLength(497);
    expect(await stored("event = 'theirs'")).toHaveLength(5);
    await waitUntil('health to say so', async () => (await weir.health()).quarantined === 3);
    expect(await weir.health()).toMatchObject({ status: 'ok', fatal: false, dlq_depth: 0 });
  });

  it('are shown: to the project with what is inside, to the operator without', async () => {
    const { json } = await dlq('GET', '');
    expect(json).toMatchObject({
      depth: 0,
      quarantined: 3,
      oldest: expect.any(String),
      reasons: [{ reason: 'violated_constraint', state: 'quarantined', letters: 3, events: 3 }],
    });
    const letters = (await dlq('GET', '/letters')).json.letters as Letter[];
    expect(letters).toHaveLength(3);
    const shown = (await dlq('GET', `/letters/${letters[0]?.id}`)).json;
    expect(shown).toMatchObject({
      state: 'quarantined',
      event_count: 1,
      last_error: expect.stringContaining('odd'),
    });
    expect(shown.events).toMatchObject([{ event: 'refused row' }]);

    const client = new Weir({ url: weir.url, key: weir.key, operatorKey: weir.operatorKey });
    const listed: DeadLetter[] = [];
    for await (const letter of client.deadLetters.list({ reason: 'violated_constraint' }))
      listed.push(letter);
    expect(listed.map(({ id }) => id)).toEqual(letters.map(({ id }) => id));
    expect(await client.deadLetters.get(listed[0]?.id ?? '')).toMatchObject({
      projectId: weir.project,
      state: 'quarantined',
      eventCount: 1,
      lastError: expect.stringContaining('odd'),
      events: [{ event: 'refused row' }],
    });
    expect(await client.deadLetters.overview({ state: 'active' })).toMatchObject({ depth: 0, reasons: [] });
    const hidden = await client.admin.deadLetters.get(listed[0]?.id ?? '');
    expect([hidden.projectId, hidden.lastError, hidden.events]).toEqual([weir.project, undefined, undefined]);

    const operators = JSON.stringify([
      (await weir.operator('GET', '/dlq/letters')).body,
      (await weir.operator('GET', `/dlq/letters/${letters[0]?.id}`)).body,
    ]);
    expect(operators).toContain(letters[0]?.id);
    expect(operators).not.toContain('refused row');
    expect(
      (
        await weir.request('GET', `/api/v1/projects/${other.id}/dlq`, {
          headers: { authorization: `Bearer ${weir.key}` },
        })
      ).status,
    ).toBe(404);
  });

  it('are purged one by one, and stored by a retry once ClickHouse takes them', async () => {
    const letters = (await dlq('GET', '/letters')).json.letters as Letter[];
    expect((await dlq('POST', '/purge', {})).status).toBe(400);
    expect((await dlq('POST', '/purge', { id: letters[0]?.id })).json).toEqual({ purged: 1 });

    expect((await dlq('POST', '/retry', { reason: 'violated_constraint' })).json).toEqual({ retried: 2 });
    await waitUntil('them to be refused again', async () => (await weir.health()).quarantined === 2);

    await clickhouse.direct.command(`ALTER TABLE ${TABLE} DROP CONSTRAINT odd`);
    expect((await weir.operator('POST', '/dlq/retry', { all: true })).body).toEqual({ retried: 2 });
    await waitUntil('them to be stored', async () => (await stored("event = 'refused row'")).length === 2);
    await waitUntil('an empty queue', async () => {
      const { quarantined, dlq_depth } = await weir.health();
      return quarantined === 0 && dlq_depth === 0;
    });
    expect((await dlq('GET', '')).json).toMatchObject({
      depth: 0,
      quarantined: 0,
      oldest: null,
      reasons: [],
    });
  });

  it('one batch after another: another tenant’s events are stored within the wait', async () => {
    await clickhouse.direct.command(`ALTER TABLE ${TABLE} ADD CONSTRAINT odd CHECK event != 'refused row'`);
    const done = new AbortController();
    const flood = (async () => {
      for (let i = 0; !done.signal.aborted; i += 1) await post(batch(`flood${i}`, 200, new Set([3, 150])));
    })();
    for (let i = 0; i < 8; i += 1) {
      const { json } = await post('{"events":[{"event":"beside the flood","timestamp":1700000000001}]}', {
        token: other.ingest_token,
        query: '?wait=stored',
      });
      expect(json).toMatchObject({ accepted: 1, state: 'stored' });
    }
    done.abort();
    await flood;
    await clickhouse.direct.command(`ALTER TABLE ${TABLE} DROP CONSTRAINT odd`);
    await dlq('POST', '/retry', { all: true });
    await weir.settled();
  });

  it('all of a large batch: another tenant’s events are stored meanwhile', async () => {
    await clickhouse.direct.command(
      `ALTER TABLE ${TABLE} ADD CONSTRAINT mine CHECK project_id != '${weir.project}'`,
    );
    const { json } = await post(batch('flood', 2_000, new Set()));
    for (let i = 0; i < 5; i += 1) {
      const theirs = await post(
        `{"events":[{"event":"beside the flood","event_id":"flood-${i}","timestamp":1700000000001}]}`,
        {
          token: other.ingest_token,
          query: '?wait=stored',
        },
      );
      expect(theirs.json.state).toBe('stored');
    }
    const receipt = json.receipt ?? '';
    expect((await receiptOf(receipt)).counts.stored).toBe(0);
    await clickhouse.direct.command(`ALTER TABLE ${TABLE} DROP CONSTRAINT mine`);
    await waitUntil('the rest to be stored, or quarantined already', async () => {
      const { counts } = await receiptOf(receipt);
      return (counts.stored ?? 0) + (counts.quarantined ?? 0) === 2_000;
    });
    await dlq('POST', '/retry', { state: 'quarantined' });
    await waitUntil('all of it to be stored', async () => (await receiptOf(receipt)).state === 'stored');
    const rows = await stored("event = 'flood'");
    expect(new Set(rows.map(({ event_id }) => event_id)).size).toBe(2_000);
    expect(rows).toHaveLength(2_000);
  });
});
