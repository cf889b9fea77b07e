/**
 * What the gate, the session and the walls cost: the same SQL sent straight to the engine, and asked through the read
 * path with a verdict that is known and with a text that is new each time. WEIR_BENCH_QUERIES sets how often each is
 * asked (default 300); the three take turns, so that they see the same machine.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ClickHouse,
  connectClickHouse,
  connectParser,
  connectReader,
  databaseNames,
  migrateClickHouse,
  startEngine,
} from '@weir/clickhouse';
import { createQueryService, type QueryService } from '@weir/query';

const QUERIES = Number(process.env.WEIR_BENCH_QUERIES ?? 300);
const ROWS = 1_000_000;
const LIMITS = {
  executionMs: 60_000,
  resultRows: 10_000,
  resultBytes: 256 * 2 ** 20,
  memoryBytes: 2 ** 30,
  textBytes: 256 * 1024,
  concurrency: 4,
  queue: 0,
  queueWaitMs: 0,
  engineQueries: 64,
};

/** The definition of the view `events` in the engine, for a query that uses no person. */
const EVENTS =
  "(SELECT CAST(event, 'String') AS event, properties, timestamp FROM {base}.events_raw_v1 WHERE project_id = {project})";
const MANY = Array.from(
  { length: 60 },
  (_, i) => `countIf(JSONExtractInt(properties, 'n') % ${i + 2} = 1 AND event LIKE 'e%') AS c${i}`,
).join(', ');

const QUESTIONS = [
  { name: 'SELECT 1', sql: 'SELECT 1' },
  {
    name: 'events by name, 1 million',
    sql: 'SELECT event, count() AS n FROM events GROUP BY event ORDER BY n DESC',
  },
  {
    name: '60 columns of 100 events',
    sql: `SELECT ${MANY} FROM (SELECT event, properties FROM events LIMIT 100)`,
  },
] as const;

/** Runs the benchmark and prints the table. */
export async function benchQuery(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'weir-bench-query-'));
  const engine = await startEngine({ dataDir });
  const clickhouse = connectClickHouse(engine.target);
  const reader = connectReader(engine.target);
  const parser = connectParser(engine.target);
  try {
    await migrateClickHouse(clickhouse, { exclusive: true });
    const project = randomUUID();
    await fill(clickhouse, project);
    const query = createQueryService({ reader, parser, stopper: clickhouse, limits: LIMITS });
    console.log(
      `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}, ${QUERIES} of each\n`,
    );
    console.log(
      '| question | engine p50 | p99 | known text p50 | p99 | new text p50 | p99 | added p50, known | new |',
    );
    console.log('|---|---|---|---|---|---|---|---|---|');
    for (const question of QUESTIONS) console.log(await row(question, { clickhouse, query, project }));
  } finally {
    await Promise.all([clickhouse.close(), reader.close(), parser.close()]);
    await engine.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function row(
  { name, sql }: (typeof QUESTIONS)[number],
  parts: { clickhouse: ClickHouse; query: QueryService; project: string },
): Promise<string> {
  const { clickhouse, query, project } = parts;
  const table = EVENTS.replace('{base}', databaseNames().base).replace('{project}', `'${project}'`);
  const straight = sql.replace('FROM events', `FROM ${table}`);
  const times = { engine: [] as number[], known: [] as number[], fresh: [] as number[] };
  for (let i = -20; i < QUERIES; i += 1) {
    const engine = await timed(() => clickhouse.query(straight));
    const known = await timed(() => query.ask(project, { sql }));
    const fresh = await timed(() => query.ask(project, { sql: `${sql} -- ${i}` }));
    if (i < 0) continue;
    times.engine.push(engine);
    times.known.push(known);
    times.fresh.push(fresh);
  }
  const [engine, known, fresh] = [times.engine, times.known, times.fresh].map((all) =>
    all.toSorted((a, b) => a - b),
  );
  const at = (sorted: number[] = [], share: number): number =>
    sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  const cells = [engine, known, fresh].flatMap((sorted) => [at(sorted, 0.5), at(sorted, 0.99)]);
  const added = [at(known, 0.5) - at(engine, 0.5), at(fresh, 0.5) - at(engine, 0.5)];
  return `| ${name} | ${[...cells, ...added].map((ms) => `${ms.toFixed(1)} ms`).join(' | ')} |`;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function fill(clickhouse: ClickHouse, project: string): Promise<void> {
  await clickhouse.command(`INSERT INTO ${databaseNames().base}.events_raw_v1
    (log_epoch, log_offset, log_index, project_id, event, event_id, user_id, timestamp, properties, extras, received_at)
    SELECT 1, number, 0, '${project}', 'e' || toString(number % 20), toString(number), 'u' || toString(number % 5000),
      toDateTime64('2026-10-01 00:00:00', 3, 'UTC') + number, '{"n":' || toString(number) || '}', '{}', now64(3)
    FROM numbers(${ROWS})`);
}
