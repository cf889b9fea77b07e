import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type ClickHouse,
  clickhouseTemplate,
  connectClickHouse,
  connectReader,
  databaseNames,
  type Engine,
  migrateClickHouse,
  type Reader,
  startEngine,
} from '../index.js';
import { EVENTS_INSERT, type EventRow, eventRow } from '../testing/event-rows.js';
import { failureOf } from '../testing/failure-of.js';
import { type ModelViews, modelViews } from '../testing/identity-model.js';
import { readViews } from '../testing/read-views.js';
import { relinkStatements } from './identity-links.js';
import { PUBLIC_TABLES } from './public-tables.js';

/** Concurrent streams of events in one round, each of its own project; and the number of rounds. */
const STREAMS = 8;
const ROUNDS = 9;

let dataDir: string;
let engine: Engine;
let clickhouse: ClickHouse;
let reader: Reader;
let projects = 0;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'weir-identity-'));
  engine = await startEngine({ dataDir, template: clickhouseTemplate() });
  clickhouse = connectClickHouse(engine.target);
  reader = connectReader(engine.target);
  await migrateClickHouse(clickhouse);
});

afterAll(async () => {
  await reader?.close();
  await clickhouse?.close();
  await engine?.close();
  await rm(dataDir, { recursive: true, force: true });
});

function newProject(): string {
  projects += 1;
  return `0192f0c1-0000-7000-8000-${String(projects).padStart(12, '0')}`;
}

async function insert(rows: readonly EventRow[]): Promise<void> {
  if (rows.length > 0) await clickhouse.insertRaw(EVENTS_INSERT, rows.map(eventRow));
}

async function mergeAll(): Promise<void> {
  for (const table of ['events_raw_v1', 'anonymous_links_v1', 'alias_links_v1']) {
    await clickhouse.command(`OPTIMIZE TABLE weir_base.${table} FINAL`);
  }
}

/** In a fixed order, so that a difference is easy to read. */
function plain(views: ModelViews | undefined): unknown {
  return Object.entries(views ?? {}).map(([name, rows]) => [
    name,
    [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}

/** An event with the given fields and defaults for the others; it arrives `at`-th. */
function event(projectId: string, at: number, said: Partial<EventRow> & { json?: object } = {}): EventRow {
  const { json, ...fields } = said;
  return {
    projectId,
    place: [1, at, 0],
    event: 'click',
    eventId: `event-${at}`,
    anonymousId: null,
    userId: null,
    sessionId: null,
    timestamp: Date.UTC(2026, 5, 15) + at * 1000,
    properties: JSON.stringify(json ?? {}),
    ...fields,
  };
}

const people = async (projectId: string): Promise<unknown> =>
  Object.fromEntries((await readViews(reader, projectId)).events);

describe("an event's person", () => {
  it('is the user, else the user of its anonymous id, else the anonymous id, else none', async () => {
    const project = newProject();
    await insert([
      event(project, 1, { anonymousId: 'a' }),
      event(project, 2, { event: '$identify', anonymousId: 'a', userId: 'u' }),
      event(project, 3, { anonymousId: 'b', userId: 'v' }),
      event(project, 4, { anonymousId: 'b' }),
      event(project, 5, { anonymousId: 'c' }),
      event(project, 6),
      event(project, 7, { userId: 'c' }),
    ]);
    expect(await people(project)).toEqual({
      'event-1': 'u',
      'event-2': 'u',
      'event-3': 'v',
      'event-4': 'v',
      'event-5': 'c',
      'event-6': null,
      'event-7': 'c',
    });
  });

  it('is by the first link to arrive, whatever its timestamp or time of insert', async () => {
    const project = newProject();
    await insert([
      event(project, 9, { anonymousId: 'a', userId: 'late', timestamp: Date.UTC(1999, 0) }),
      event(project, 10, { anonymousId: 'a' }),
    ]);
    expect(await people(project)).toMatchObject({ 'event-10': 'late' });
    await insert([event(project, 2, { anonymousId: 'a', userId: 'first', timestamp: Date.UTC(2100, 0) })]);
    expect(await people(project)).toMatchObject({ 'event-9': 'late', 'event-10': 'first' });
    await mergeAll();
    expect(await people(project)).toMatchObject({ 'event-9': 'late', 'event-10': 'first' });
  });

  it('orders arrival by epoch, then offset, then index', async () => {
    const project = newProject();
    const link = (userId: string, place: EventRow['place']): EventRow =>
      event(project, 0, { eventId: userId, anonymousId: 'a', userId, place });
    await insert([
      link('index', [1, 2 ** 40, 3]),
      link('first', [1, 2 ** 40, 2]),
      link('epoch', [2, 0, 0]),
      link('offset', [1, 2 ** 40 + 1, 0]),
      event(project, 5, { anonymousId: 'a' }),
    ]);
    expect(await people(project)).toMatchObject({ 'event-5': 'first' });
  });

  it('links an alias as a user id and as an anonymous id, but no text that is not an id', async () => {
    const project = newProject();
    const alias = (at: number, kept: string, joins: unknown): EventRow =>
      event(project, at, { event: '$alias', userId: kept, json: { alias: joins } });
    await insert([
      alias(1, 'kept', 'device'),
      alias(2, 'kept', 42),
      alias(3, 'other', 'device'),
      alias(4, 'kept', 'undefined'),
      alias(5, 'other', '[Object object]'),
      alias(6, 'other', ' NULL '),
      event(project, 7, { anonymousId: 'device' }),
      event(project, 8, { userId: '42' }),
      event(project, 9, { userId: 'undefined' }),
      event(project, 10, { anonymousId: '[Object object]' }),
      event(project, 11, { anonymousId: ' NULL ' }),
    ]);
    expect(await people(project)).toMatchObject({
      'event-3': 'other',
      'event-7': 'kept',
      'event-8': 'kept',
      'event-9': 'undefined',
      'event-10': '[Object object]',
      'event-11': ' NULL ',
    });
  });

  it('follows chains of aliases; the first alias of a user counts; one that closes a circle has no effect', async () => {
    const project = newProject();
    const alias = (at: number, kept: string, joins: unknown): EventRow =>
      event(project, at, { event: '$alias', userId: kept, json: { alias: joins } });
    await insert([
      alias(1, 'b', 'a'),
      alias(2, 'c', 'b'),
      alias(3, 'elsewhere', 'a'),
      alias(4, 'a', 'c'),
      alias(5, 'x', 'x'),
      alias(6, 'y', ''),
      alias(7, 'z', { not: 'text' }),
      event(project, 8, { userId: 'a', anonymousId: 'phone' }),
      event(project, 9, { anonymousId: 'phone' }),
    ]);
    expect(await people(project)).toEqual({
      'event-1': 'c',
      'event-2': 'c',
      'event-3': 'elsewhere',
      'event-4': 'c',
      'event-5': 'x',
      'event-6': 'y',
      'event-7': 'z',
      'event-8': 'c',
      'event-9': 'c',
    });
  });

  it('follows long chains, and circles with tails', async () => {
    const project = newProject();
    const alias = (at: number, kept: string, joins: string): EventRow =>
      event(project, at, { event: '$alias', userId: kept, json: { alias: joins } });
    const chain = Array.from({ length: 3000 }, (_, n) => alias(n, `u${n + 1}`, `u${n}`));
    const circle = [0, 1, 2, 3, 4].map((n) => alias(5000 - n, `o${(n + 1) % 5}`, `o${n}`));
    const rows = [...chain, ...circle, alias(6000, 'o3', 'tail'), event(project, 6001, { userId: 'tail' })];
    await insert(rows.toReversed());
    expect(await people(project)).toEqual(Object.fromEntries(modelViews(rows).events));
  });
});

describe('persons and sessions', () => {
  it('merge traits key by key, and use the time zone that arrived last', async () => {
    const project = newProject();
    const identify = (at: number, json: object): EventRow =>
      event(project, at, {
        event: '$identify',
        userId: 'u',
        sessionId: 's',
        json,
        timestamp: 1_700_000_000_000 - at,
      });
    await insert([
      identify(3, { plan: 'pro', $ip: 'x', $timezone: 'Asia/Tokyo' }),
      identify(1, { $set: { plan: 'free', name: 'A "quoted" ü' }, ignored: 1 }),
      identify(2, { $set: [1], city: null, $timezone: '' }),
    ]);
    const { persons, sessions } = await readViews(reader, project);
    expect(persons.get('u')).toEqual({
      first_seen: 1_700_000_000_000 - 3,
      last_seen: 1_700_000_000_000 - 1,
      event_count: 3,
      session_count: 1,
      timezone: 'Asia/Tokyo',
      properties: { plan: 'pro', name: 'A "quoted" ü', city: null },
    });
    expect(sessions.get('s')).toMatchObject({ duration_ms: 2, timezone: 'Asia/Tokyo', distinct_id: 'u' });
  });

  it('see no properties in JSON that ClickHouse cannot parse, and still every event', async () => {
    const project = newProject();
    const unreadable = [
      '{"plan":"pro","$timezone":"Asia/Tokyo","n":88990166096046240000}',
      `{"plan":"pro","$timezone":"Asia/Tokyo","deep":${'['.repeat(5000)}${']'.repeat(5000)}}`,
      '{"plan":"pro","$timezone":"Asia/Tokyo"',
      '[]',
      '',
    ];
    await insert(
      unreadable.flatMap((properties, n) => [
        event(project, 2 * n, { event: '$identify', userId: 'u', sessionId: 's', properties }),
        event(project, 2 * n + 1, { event: '$alias', userId: 'u', sessionId: 's', properties }),
      ]),
    );
    const { persons, sessions } = await readViews(reader, project);
    expect(persons.get('u')).toMatchObject({ event_count: 10, timezone: null, properties: {} });
    expect(sessions.get('s')).toMatchObject({ event_count: 10, timezone: null, distinct_id: 'u' });
  });

  it('assign a session to the person of its first event by arrival that has one', async () => {
    const project = newProject();
    const at = (place: number, said: Partial<EventRow>): EventRow =>
      event(project, place, { sessionId: 's', ...said });
    await insert([
      at(3, { userId: 'second', timestamp: 0 }),
      at(2, { anonymousId: 'a', event: 'first with a person' }),
      at(1, { event: 'nobody' }),
      event(project, 4, { anonymousId: 'a', userId: 'owner' }),
    ]);
    const { persons, sessions } = await readViews(reader, project);
    expect(sessions.get('s')).toMatchObject({
      distinct_id: 'owner',
      entry_event: 'click',
      exit_event: 'first with a person',
    });
    expect([persons.get('owner')?.session_count, persons.get('second')?.session_count]).toEqual([1, 0]);
  });

  it.each(PUBLIC_TABLES)('$name has the columns of the catalog', async ({ name, columns }) => {
    const described = await clickhouse.query<{ name: string; type: string }>(`DESCRIBE TABLE weir.${name}`);
    expect(described.map((column) => [column.name, column.type])).toEqual(
      columns.map((column) => [column.name, column.type]),
    );
  });
});

describe('links', () => {
  it('are not read by a query that does not use the person', async () => {
    const project = newProject();
    await insert([event(project, 1, { anonymousId: 'a', userId: 'u' })]);
    const ask = async (sql: string): Promise<string> => {
      const parts: Uint8Array[] = [];
      for await (const part of await reader.query(project, sql, { plain: true, format: 'CSV' }))
        parts.push(part);
      return Buffer.concat(parts).toString('utf8');
    };
    expect(await ask('SELECT event, user_id, count() FROM events GROUP BY ALL')).toBe('"click","u",1\n');
    // A query that uses it nevertheless fails, instead of returning a wrong value.
    expect(await failureOf(ask('SELECT distinct_id FROM events'))).toMatchObject({
      codeName: 'UNKNOWN_IDENTIFIER',
    });
    expect(await failureOf(ask('SELECT count() FROM persons'))).toMatchObject({ codeName: 'UNKNOWN_TABLE' });
    expect(await ask('SELECT distinct_id FROM weir.events')).toBe('"u"\n');
  });

  it('are derived again for events whose links were lost, and for events older than the materialized view', async () => {
    const project = newProject();
    await insert([
      event(project, 1, { anonymousId: 'a', userId: 'u' }),
      event(project, 2, { anonymousId: 'a' }),
      event(project, 3, { event: '$alias', userId: 'v', json: { alias: 'u' } }),
    ]);
    for (const table of ['anonymous_links_v1', 'alias_links_v1']) {
      await clickhouse.command(`DELETE FROM weir_base.${table} WHERE project_id = '${project}'`);
    }
    expect(await people(project)).toMatchObject({ 'event-2': 'a' });
    for (const statement of relinkStatements(
      databaseNames(),
      `project_id = '${project}' AND log_offset <= 3`,
    )) {
      await clickhouse.command(statement);
    }
    expect(await people(project)).toEqual({ 'event-1': 'v', 'event-2': 'v', 'event-3': 'v' });
  });
});

describe('the three views', () => {
  // ClickHouse cannot parse JSON with an integer beyond 64 bits.
  const json = fc.jsonValue().filter((value) => !/\d{19}/.test(JSON.stringify(value)));
  const user = fc.constantFrom('u0', 'u1', 'u2', 'u3', 'shared', null);
  const properties = fc
    .record(
      {
        alias: fc.oneof({ weight: 4, arbitrary: user }, json),
        $set: fc.oneof(fc.dictionary(fc.constantFrom('plan', '', '$x', '__proto__'), json), json),
        $timezone: fc.oneof(fc.constantFrom('', 'Europe/Berlin', 'Asia/Tokyo'), json),
        plan: json,
        'a "key"\n\\ü': json,
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value));
  const said = fc.record({
    event: fc.constantFrom('$identify', '$alias', '$alias', 'click', 'view'),
    anonymousId: fc.constantFrom('a0', 'a1', 'a2', 'shared', null),
    userId: user,
    sessionId: fc.constantFrom('s0', 's1', 's2', null),
    timestamp: fc.constantFrom(0, 1, Date.UTC(2020, 0), Date.UTC(2026, 5, 15), Date.UTC(2200, 11, 31)),
    properties,
    epoch: fc.constantFrom(1, 2),
    // Its position among the inserted events, and its insert.
    order: fc.integer(),
    insert: fc.nat(4),
  });

  it('agree with the reference model, for any order and grouping of inserts and merges', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(said, { minLength: 1, maxLength: 25 }), { minLength: STREAMS, maxLength: STREAMS }),
        fc.nat(4),
        async (streams, mergeAfter) => {
          const ids = streams.map(newProject);
          const drawn = streams.flatMap((stream, s) =>
            stream.map(({ epoch, order, insert: piece, ...fields }, n) => ({
              order,
              piece,
              row: event(ids[s] ?? '', n, { ...fields, place: [epoch, n, s] }),
            })),
          );
          for (let piece = 0; piece <= 4; piece += 1) {
            const rows = drawn.filter((one) => one.piece === piece).toSorted((a, b) => a.order - b.order);
            await insert(rows.map(({ row }) => row));
            if (piece === mergeAfter) await mergeAll();
          }
          const shown = await Promise.all(ids.map((id) => readViews(reader, id)));
          for (const [s, id] of ids.entries()) {
            const own = drawn.flatMap(({ row }) => (row.projectId === id ? [row] : []));
            expect(plain(shown[s])).toEqual(plain(modelViews(own)));
          }
        },
      ),
      { numRuns: ROUNDS, interruptAfterTimeLimit: 100_000, markInterruptAsFailure: true },
    );
  });

  it('return the same after the engine was killed, and after a further start', async () => {
    const project = newProject();
    const before = [
      event(project, 5, { anonymousId: 'a', userId: 'late' }),
      event(project, 6, { anonymousId: 'a' }),
    ];
    await insert(before);
    const { pid, restarts } = engine.health();
    if (pid === undefined) throw new Error('no engine');
    process.kill(pid, 'SIGKILL');
    await vi.waitUntil(() => engine.health().restarts > restarts && engine.health().state === 'ready', {
      timeout: 30_000,
    });
    expect(await people(project)).toEqual({ 'event-5': 'late', 'event-6': 'late' });
    await Promise.all([1, 2].map(() => migrateClickHouse(clickhouse)));
    const after = event(project, 1, { anonymousId: 'a', userId: 'first' });
    await insert([after]);
    expect(await readViews(reader, project)).toEqual(modelViews([...before, after]));
  });
});
