import { defined } from '@weir/base';
import { type ClickHouse, type Parser, PUBLIC_TABLES, type Reader } from '@weir/clickhouse';
import type { CapacityUse } from './capacity.js';
import { Catalog } from './catalog.js';
import type { EventEntry, EventProperties, TableEntry } from './catalog-types.js';
import { engineFailure } from './engine-failure.js';
import type { MeterOptions } from './engine-meter.js';
import { Executor, type Statement, type Turn } from './executor.js';
import { literal } from './gate/canonical.js';
import { Gate, type Passed } from './gate/gate.js';
import type { QueryLimits } from './limits.js';
import { fitParameters } from './parameters.js';
import { QueryError } from './query-error.js';
import type { QueryService } from './query-service.js';
import type {
  Answer,
  AskOptions,
  NewestOptions,
  Question,
  StreamedAnswer,
  StreamFormat,
  StreamOptions,
} from './question.js';
import { ROWS_FORMAT, readRows } from './read-rows.js';

/** Accepts texts, or rejects them with a QueryError. */
export type QueryGate = Pick<Gate, 'check'>;

/** Dependencies of a query service. */
export interface QueryParts {
  readonly reader: Reader;
  readonly parser: Parser;
  /** Stops abandoned queries, on separate connections. */
  readonly stopper: ClickHouse;
  readonly limits: QueryLimits;
  /** Default: a {@link Gate}. Tests of the other walls pass a gate that accepts everything. */
  readonly gate?: QueryGate;
}

/**
 * Creates the read path.
 *
 * @example const query = createQueryService({ reader, parser, stopper, limits }); const { rows } = await
 *   query.ask(projectId, { sql: 'SELECT event, count() FROM events GROUP BY event' });
 */
export function createQueryService(parts: QueryParts): QueryService {
  return new EngineQueryService(parts);
}

const MIB = 1024 * 1024;
const JSON_SHARE = 1 / 16;
/** Smaller differences would reveal data of other projects that is stored next to a project's rows. */
const MEMORY_STEP = 16 * MIB;
/** Limits of answers to the catalog's own queries. */
const CATALOG_MAX = { rows: 110_000, bytes: 64 * MIB };
const NEWEST_DEFAULT = 20;
const NEWEST_MAX = 100;

const STREAMED: Readonly<Record<StreamFormat, { readonly format: string; readonly contentType: string }>> = {
  ndjson: { format: 'JSONEachRow', contentType: 'application/x-ndjson' },
  csv: { format: 'CSVWithNames', contentType: 'text/csv; charset=utf-8; header=present' },
  parquet: { format: 'Parquet', contentType: 'application/vnd.apache.parquet' },
  arrow: { format: 'ArrowStream', contentType: 'application/vnd.apache.arrow.stream' },
};

class EngineQueryService implements QueryService {
  readonly #gate: QueryGate;
  readonly #parser: Parser;
  readonly #executor: Executor;
  readonly #limits: QueryLimits;
  readonly #catalog: Catalog;

  constructor({ reader, parser, stopper, limits, gate }: QueryParts) {
    this.#parser = parser;
    this.#limits = limits;
    this.#gate = gate ?? new Gate(parser, { maxBytes: limits.textBytes });
    this.#executor = new Executor(reader, stopper, limits);
    this.#catalog = new Catalog(async (projectId, sql, meter, params = {}) => {
      const statement = { sql, params, own: [], plain: true, keyed: true };
      const { rows, truncated } = await this.#answer(
        projectId,
        { meter },
        CATALOG_MAX,
        async () => statement,
      );
      // A silently truncated catalog would mislead.
      if (truncated) throw new QueryError('query_too_large', 'the catalog exceeds its limit');
      return rows;
    });
  }

  get use(): CapacityUse {
    return this.#executor.use;
  }

  async ask(projectId: string, question: Question, options: AskOptions = {}): Promise<Answer> {
    const { sql, params = {} } = question;
    const { resultRows, resultBytes } = this.#limits;
    const max = {
      rows: Math.min(options.maxRows ?? resultRows, resultRows),
      bytes: Math.min(options.maxBytes ?? resultBytes, resultBytes * JSON_SHARE),
    };
    return this.#answer(projectId, options, max, async (turn) => ({
      ...(await this.#pass(question, turn)),
      own: ownTexts(sql, params),
    }));
  }

  async stream(
    projectId: string,
    question: Question,
    format: StreamFormat,
    options: StreamOptions = {},
  ): Promise<StreamedAnswer> {
    const { sql, params = {} } = question;
    const { format: engineFormat, contentType } = STREAMED[format];
    const { bytes } = await this.#executor.during(projectId, options.signal, async (turn) => {
      const runnable = await this.#pass(question, turn);
      const own = ownTexts(sql, params);
      const selected = format === 'arrow' ? await this.#withTimes(turn, { ...runnable, own }) : runnable.sql;
      const statement = { ...runnable, sql: selected, format: engineFormat, own };
      return this.#executor.run(turn, statement, options.meter);
    });
    return { contentType, bytes };
  }

  /** Casts each DateTime column to DateTime64: in Arrow, the engine writes a DateTime as a bare number. */
  async #withTimes(turn: Turn, statement: Omit<Statement, 'format'>): Promise<string> {
    const { sql } = statement;
    const empty = { ...statement, sql: `SELECT * FROM (${sql}) LIMIT 0`, format: ROWS_FORMAT };
    const { bytes } = await this.#executor.run(turn, empty);
    const { columns } = await readRows(bytes, { rows: 0, bytes: MIB });
    const times = columns.filter(({ type }) => /^(?:Nullable\()?DateTime(?:\('[^']*'\))?\)?$/.test(type));
    const isUnique = new Set(columns.map(({ name }) => name)).size === columns.length;
    if (times.length === 0 || !isUnique) return sql;
    const replaced = times.map(({ name }) => `toDateTime64(${quotedName(name)}, 0) AS ${quotedName(name)}`);
    return `SELECT * REPLACE (${replaced.join(', ')}) FROM (${sql})`;
  }

  tables(): readonly TableEntry[] {
    return PUBLIC_TABLES;
  }

  events(projectId: string, { meter }: MeterOptions = {}): Promise<readonly EventEntry[]> {
    return this.#catalog.events(projectId, meter);
  }

  describeEvent(
    projectId: string,
    event: string,
    { meter }: MeterOptions = {},
  ): Promise<EventProperties | null> {
    return this.#catalog.describeEvent(projectId, event, meter);
  }

  describeEvents(projectId: string, { meter }: MeterOptions = {}): Promise<readonly EventProperties[]> {
    return this.#catalog.describeAll(projectId, meter);
  }

  newest(projectId: string, options: NewestOptions = {}): Promise<Answer> {
    const { event, limit = NEWEST_DEFAULT } = options;
    const sql = `SELECT event, timestamp, received_at, distinct_id, session_id, properties, extras, event_id FROM events
      WHERE timestamp <= now64(3) + INTERVAL 1 HOUR ${event === undefined ? '' : 'AND event = {event:String}'}
      ORDER BY timestamp DESC LIMIT {limit:UInt32}`;
    const params = { limit: Math.min(limit, NEWEST_MAX), ...defined({ event }) };
    const max = { rows: NEWEST_MAX, bytes: this.#limits.resultBytes * JSON_SHARE };
    const statement = { sql, params, own: [], plain: false, keyed: true };
    return this.#answer(projectId, options, max, async () => statement);
  }

  /** The statement to run for a query, once the gate has accepted it. */
  async #pass({ sql, params = {} }: Question, turn: Turn): Promise<Runnable & Pick<Statement, 'params'>> {
    const length = JSON.stringify(params).length;
    if (length > this.#limits.textBytes) {
      const hint =
        'send fewer or shorter values; what is in events already can be asked for with a sub-select';
      throw new QueryError('query_too_large', 'the parameters are too long', {
        limit: this.#limits.textBytes,
        hint,
      });
    }
    try {
      const passed = await this.#gate.check(sql, params, turn.signal);
      // Without the gate (in tests of other walls) the text is not canonical, and parameters are bound unchanged.
      const fitted = passed.ignoresPerson === undefined ? params : fitParameters(passed.sql, params);
      return { ...(await this.#runnable(passed, fitted, turn.signal)), params: fitted };
    } catch (error) {
      throw engineFailure(error, ownTexts(sql, params));
    }
  }

  /** Converts DESCRIBE and EXPLAIN to a SELECT, because a stream only accepts SELECTs. */
  async #runnable(
    passed: Passed,
    params: NonNullable<Question['params']>,
    signal: AbortSignal,
  ): Promise<Runnable> {
    if (passed.kind === 'describe') return { sql: describeStatement(passed.table ?? ''), ...TABLELESS };
    if (passed.kind === 'select') {
      const { sql, ignoresPerson: plain = false, usesTimeSafely: keyed = false } = passed;
      return { sql, plain, keyed };
    }
    const lines = await this.#parser.rows<{ explain: string }>(passed.sql, { params, signal });
    const rows = lines.map((line) => literal(line.explain));
    return { sql: `SELECT arrayJoin([${rows.join(', ')}]) AS explain`, ...TABLELESS };
  }

  async #answer(
    projectId: string,
    options: StreamOptions,
    max: { readonly rows: number; readonly bytes: number },
    prepare: (turn: Turn) => Promise<Omit<Statement, 'format'>>,
  ): Promise<Answer> {
    const started = performance.now();
    const answer = await this.#executor.during(projectId, options.signal, async (turn) => {
      const statement = { ...(await prepare(turn)), format: ROWS_FORMAT };
      const execution = await this.#executor.run(turn, statement, options.meter);
      const { columns, rows, truncated } = await readRows(execution.bytes, max);
      const memoryBytes = execution.used()?.memoryBytes ?? 0;
      const stats = {
        rows: rows.length,
        elapsed_ms: Math.round(performance.now() - started),
        rows_read: null,
        bytes_read: null,
        memory_bytes: memoryBytes === 0 ? null : Math.ceil(memoryBytes / MEMORY_STEP) * MEMORY_STEP,
      };
      return { columns, rows, stats, truncated };
    });
    // Without its only row, the answer would look as if there were no data.
    if (answer.truncated && answer.rows.length === 0 && max.rows > 0) throw firstRowTooLarge(max.bytes);
    return answer;
  }
}

function firstRowTooLarge(limit: number): QueryError {
  return new QueryError('query_too_large', `the first row alone has more than ${limit} bytes`, {
    limit,
    hint: 'select parts of the large value (substring(x, 1, 1000), JSONExtract…, arraySlice(x, 1, 100)), aggregate into smaller groups, or ask for a format that streams (ndjson, csv, parquet, arrow)',
  });
}

/** A statement, and the views that it runs on. */
type Runnable = Pick<Statement, 'sql' | 'plain' | 'keyed'>;

/** For a statement that reads no table. */
const TABLELESS = { plain: true, keyed: true };

function quotedName(name: string): string {
  return `\`${name.replace(/[\\`]/g, '\\$&')}\``;
}

/** The texts of the caller, which errors may repeat. */
function ownTexts(sql: string, params: NonNullable<Question['params']>): string[] {
  return [sql, ...Object.entries(params).flat().map(String)];
}

/** DESCRIBE TABLE as a SELECT from the catalog, with the columns of DESCRIBE. */
function describeStatement(name: string): string {
  const columns = PUBLIC_TABLES.find((table) => table.name === name)?.columns ?? [];
  const rows = columns.map(
    (column) => `(${[column.name, column.type, column.description].map(literal).join(', ')})`,
  );
  return `SELECT column.1 AS name, column.2 AS type, '' AS default_type, '' AS default_expression, column.3 AS comment,
    '' AS codec_expression, '' AS ttl_expression FROM (SELECT arrayJoin([${rows.join(', ')}]) AS column)`;
}
