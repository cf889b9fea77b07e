/**
 * The public views beside the bare table: time of the same question with the same filter, in one run, on the embedded
 * engine, asked as a tenant asks. `--events N` sets how many events (default 10 million); the project has a tenth as
 * many anonymous ids, half of them linked, and other projects' rows lie beside.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type ClickHouse,
  ClickHouseError,
  connectClickHouse,
  connectReader,
  migrateClickHouse,
  type Reader,
  startEngine,
} from '@weir/clickhouse';

const PROJECT = '0192f0c1-0000-7000-8000-00000000000a';
const NEIGHBOUR = '0192f0c1-0000-7000-8000-00000000000b';
const EMPTY = '0192f0c1-0000-7000-8000-00000000000c';
const TABLE = 'weir_base.events_raw_v1';
const GIB = 1024 ** 3;
const RUNS = 5;

interface Case {
  readonly name: string;
  readonly sql: string;
  /** The same of the bare table, without its project. */
  readonly bare?: string;
  readonly project?: string;
  /** Asked where events have no person. */
  readonly plain?: boolean;
}

const CASES: readonly Case[] = [
  {
    name: 'an empty project, count()',
    sql: 'SELECT count() FROM events',
    bare: `SELECT count() FROM ${TABLE} WHERE {project}`,
    project: EMPTY,
  },
  {
    name: 'events by name and day',
    sql: 'SELECT event, toDate(timestamp) AS day, count() FROM events GROUP BY ALL',
    bare: `SELECT event, toDate(timestamp) AS day, count() FROM ${TABLE} WHERE {project} GROUP BY ALL`,
  },
  {
    name: 'the same, asking for nobody',
    sql: 'SELECT event, toDate(timestamp) AS day, count() FROM events GROUP BY ALL',
    bare: `SELECT event, toDate(timestamp) AS day, count() FROM ${TABLE} WHERE {project} GROUP BY ALL`,
    plain: true,
  },
  {
    name: 'the same, asking for nobody',
    sql: "SELECT toHour(timestamp) AS hour, count() FROM events WHERE event = 'event_3' AND toDate(timestamp) = '2026-01-10' GROUP BY ALL",
    bare: `SELECT toHour(timestamp) AS hour, count() FROM ${TABLE} WHERE {project} AND event = 'event_3' AND toDate(timestamp) = '2026-01-10' GROUP BY ALL`,
    plain: true,
  },
  {
    name: 'one event in one day by hour',
    sql: "SELECT toHour(timestamp) AS hour, count() FROM events WHERE event = 'event_3' AND toDate(timestamp) = '2026-01-10' GROUP BY ALL",
    bare: `SELECT toHour(timestamp) AS hour, count() FROM ${TABLE} WHERE {project} AND event = 'event_3' AND toDate(timestamp) = '2026-01-10' GROUP BY ALL`,
  },
  {
    name: 'people by day, uniq(distinct_id)',
    sql: 'SELECT toDate(timestamp) AS day, uniq(distinct_id) FROM events GROUP BY day',
    bare: `SELECT toDate(timestamp) AS day, uniq(coalesce(user_id, anonymous_id)) FROM ${TABLE} WHERE {project} GROUP BY day`,
  },
  {
    name: "one person's events",
    sql: "SELECT event, count() FROM events WHERE distinct_id = 'user_77' GROUP BY event",
    bare: `SELECT event, count() FROM ${TABLE} WHERE {project} AND coalesce(user_id, anonymous_id) = 'user_77' GROUP BY event`,
  },
  { name: 'persons, how many', sql: 'SELECT count() FROM persons' },
  { name: 'persons, every column', sql: 'SELECT max(tuple(*)) FROM persons' },
  { name: 'one person', sql: "SELECT * FROM persons WHERE distinct_id = 'user_77'" },
  {
    name: 'sessions by day',
    sql: 'SELECT toDate(started_at) AS day, count(), avg(duration_ms) FROM sessions GROUP BY day',
  },
  { name: 'sessions, every column', sql: 'SELECT max(tuple(*)) FROM sessions' },
  { name: 'one session', sql: "SELECT * FROM sessions WHERE session_id = 'session_77'" },
];

/** Loads the events, asks everything and prints the table. */
export async function benchViews(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: { events: { type: 'string', default: '10000000' } },
  });
  const events = Number(values.events);
  const dataDir = await mkdtemp(join(tmpdir(), 'weir-bench-views-'));
  const engine = await startEngine({ dataDir });
  const clickhouse = connectClickHouse(engine.target);
  const reader = connectReader(engine.target);
  try {
    await migrateClickHouse(clickhouse, { exclusive: true });
    const loading = performance.now();
    await load(clickhouse, events);
    print(
      `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}, ClickHouse ${await clickhouse.version()}, ` +
        `${events} events loaded in ${seconds(performance.now() - loading)} s; medians of ${RUNS}, a query has 1 GiB`,
    );
    print('');
    print('| question | bare table s | view s | ratio |');
    print('|---|---|---|---|');
    for (const one of CASES) print(await measure(clickhouse, reader, one));
  } finally {
    await reader.close();
    await clickhouse.close();
    await engine.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Sessions of five events; each anonymous id has two of them, and every second one identifies itself at their ends. */
async function load(clickhouse: ClickHouse, events: number): Promise<void> {
  const step = 1_000_000;
  const people = Math.round(events / 10);
  for (const [project, count] of [[NEIGHBOUR, events / 10] as const, [PROJECT, events] as const]) {
    for (let from = 0; from < count; from += step) {
      await clickhouse.command(
        `INSERT INTO ${TABLE}
         WITH intDiv(number, 5) AS session, (session * 7919) % ${people} AS who, number % 5 = 4 AND who % 2 = 0 AS identifies
         SELECT 1, intDiv(number, 100), number % 100, '${project}', if(identifies, '$identify', concat('event_', toString(cityHash64(number) % 20))),
           concat('0192f0c1-1111-7000-8000-', leftPad(toString(number), 12, '0')), concat('anonymous_', toString(who)),
           if(identifies, concat('user_', toString(intDiv(who, 4))), NULL), concat('session_', toString(session)),
           toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + number * 5184000 / ${events},
           concat('{"path":"/a/b/c","price":', toString(number * 1.5), ',"referrer":"https://example.com/', toString(number), '","title":"hello","$timezone":"Europe/Berlin"}'),
           '{}', toDateTime64('2026-03-01 00:00:00', 3, 'UTC')
         FROM numbers(${from}, ${Math.min(step, count - from)}) SETTINGS max_threads = 1, max_insert_threads = 1`,
      );
    }
  }
}

async function measure(clickhouse: ClickHouse, reader: Reader, one: Case): Promise<string> {
  const project = one.project ?? PROJECT;
  const bare: number[] = [];
  const view: number[] = [];
  try {
    // In turn, so that what else the machine does slows both.
    for (let run = 0; run < RUNS; run += 1) {
      if (one.bare !== undefined) {
        const sql = one.bare.replace('{project}', `project_id = '${project}'`);
        bare.push(await timed(() => clickhouse.stream(sql)));
      }
      view.push(
        await timed(() =>
          reader.query(project, one.sql, { plain: one.plain === true, limits: { memoryBytes: GIB } }),
        ),
      );
    }
  } catch (error) {
    if (!(error instanceof ClickHouseError)) throw error;
    return `| ${one.name} | | ${error.codeName ?? error.message} | |`;
  }
  const ratio = bare.length === 0 ? '' : (median(view) / median(bare)).toFixed(2);
  return `| ${one.name} | ${bare.length === 0 ? '' : seconds(median(bare))} | ${seconds(median(view))} | ${ratio} |`;
}

async function timed(ask: () => Promise<AsyncIterable<Uint8Array>>): Promise<number> {
  const begun = performance.now();
  for await (const _ of await ask());
  return performance.now() - begun;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
