import type { CallOptions, ParameterValue, ResultBytes } from './clickhouse.js';
import { ClickHouseError } from './clickhouse-error.js';
import { HttpSession } from './http-session.js';
import { databaseNames } from './migrate/migration.js';
import type { QueryUse } from './query-use.js';
import { requireTag } from './running-queries.js';
import { ScopeSigner } from './scope.js';
import type { ClickHouseTarget } from './target.js';

/** What a tenant's query may use. Each maps to the ClickHouse setting of the same meaning. */
export interface ReaderLimits {
  /** Memory of the query, in bytes. */
  readonly memoryBytes?: number;
  /** Time, in seconds; kept between blocks only. */
  readonly seconds?: number;
  readonly resultBytes?: number;
  readonly rowsToRead?: number;
  readonly threads?: number;
}

/** What {@link Reader.query} takes. */
export interface ReaderOptions extends Omit<CallOptions, 'settings'> {
  readonly params?: Readonly<Record<string, ParameterValue>>;
  /** The output format where the statement names none. Default `JSONEachRow`. */
  readonly format?: string;
  readonly limits?: ReaderLimits;
  /** Looks unqualified names up where `events` has no `distinct_id` and nothing else is: that costs less. Default false. */
  readonly plain?: boolean;
  /**
   * Looks unqualified names up where conditions on `timestamp` may use the index: for statements that cannot fail on any
   * value of it, else their errors tell when events of other projects happened. Default false.
   */
  readonly keyed?: boolean;
}

/** An answer of the reader. */
export interface ReaderAnswer extends ResultBytes {
  /**
   * What the query has used: final once the answer was read to its end, whole or failed. Undefined before, and of an answer
   * that was left early: `ClickHouse.kill` of its tag tells. A ClickHouse server tells what it had used when its answer
   * began, and no more. How exact rows and memory are is at `QueryMeter`.
   */
  used(): QueryUse | undefined;
}

/** Runs one project's own SELECTs as the reader: the public views, that project's rows, nothing to change. */
export interface Reader {
  /** Runs one SELECT for one project and streams the answer. `projectId` is a UUID in lower case. */
  query(projectId: string, sql: string, options?: ReaderOptions): Promise<ReaderAnswer>;
  /** What `ClickHouse.running` and `ClickHouse.kill` find a project's queries by: all, or those with this tag. */
  tagOf(projectId: string, tag?: string): string;
  /** Closes the connections. */
  close(): Promise<void>;
}

/**
 * Opens the reader's way into ClickHouse.
 *
 * @throws ClickHouseError when a server target names no reader.
 */
export function connectReader(target: ClickHouseTarget): Reader {
  if (target.reader === undefined) {
    throw new ClickHouseError('query', 'queries of tenants need a reader: a ClickHouse user of their own');
  }
  // The embedded engine has its key to itself and signs; before a server that is for us to do.
  const scope = 'scopeKey' in target.reader ? new ScopeSigner(target.reader.scopeKey) : undefined;
  const { reader } = target;
  const open = (database: string): HttpSession => new HttpSession(target, reader, database);
  const { views, keyed, plain, plainKeyed } = databaseNames();
  const sessions = {
    full: open(views),
    keyed: open(keyed),
    plain: open(plain),
    plainKeyed: open(plainKeyed),
  };
  return new HttpReader(sessions, scope);
}

/** A session for each database of public views. */
type Sessions = Readonly<Record<'full' | 'keyed' | 'plain' | 'plainKeyed', HttpSession>>;

class HttpReader implements Reader {
  readonly #sessions: Sessions;
  readonly #scope: ScopeSigner | undefined;

  constructor(sessions: Sessions, scope: ScopeSigner | undefined) {
    this.#sessions = sessions;
    this.#scope = scope;
  }

  async query(projectId: string, sql: string, options: ReaderOptions = {}): Promise<ReaderAnswer> {
    if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(projectId)) {
      throw new ClickHouseError('query', 'a project id is a UUID in lower case');
    }
    if (options.tag !== undefined) requireTag(options.tag);
    const { plain = false, keyed = false } = options;
    const session = plain ? (keyed ? 'plainKeyed' : 'plain') : keyed ? 'keyed' : 'full';
    return this.#sessions[session].send({
      sql,
      params: options.params,
      settings: {
        ...EXACT_JSON,
        ...WHOLE_DOCUMENTS,
        // The text was parsed before and may have grown in that.
        max_query_size: 8 * 1024 * 1024,
        default_format: options.format ?? 'JSONEachRow',
        ...(OF_FORMAT[options.format ?? ''] ?? {}),
        // The settings of this request are taken first; the statement may not bring its own.
        readonly: 1,
        ...limitSettings(options.limits ?? {}),
        ...spillSettings(options.limits?.memoryBytes),
        ...(this.#scope === undefined ? {} : { cancel_http_readonly_queries_on_client_close: 1 }),
        log_comment: this.tagOf(projectId, options.tag),
      },
      signal: options.signal,
      timeoutMs: options.timeoutMs,
    });
  }

  tagOf(projectId: string, tag = ''): string {
    return `${this.#scope === undefined ? projectId : this.#scope.project(projectId)}:${tag}`;
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#sessions).map((session) => session.close()));
  }
}

/** Big numbers as strings, what JSON has no number for as null, times as RFC 3339. */
const EXACT_JSON = {
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
  output_format_json_quote_denormals: 0,
  date_time_output_format: 'iso',
} as const;

/**
 * `properties::JSON` reads every document in full, and returns its texts as they were sent. Without these settings one event
 * with `{"a": {"b": 1}, "a.b": 2}` makes the query of its whole project fail, and texts that look like times come out in
 * another form and zone. Keys that hold a dot are asked for as `properties::JSON.\`a%2Eb\``. Known since ClickHouse 25.8.
 */
const WHOLE_DOCUMENTS = {
  json_type_escape_dots_in_keys: 1,
  // A key that itself reads `a%2Eb` beside one that reads `a.b`.
  type_json_skip_duplicated_paths: 1,
  input_format_try_infer_dates: 0,
  input_format_try_infer_datetimes: 0,
} as const;

/** What readers of a format expect of it. */
const OF_FORMAT: Readonly<Record<string, Readonly<Record<string, string | number>>>> = {
  // By default NULL is \\N, which spreadsheets, DuckDB and pandas take for a text.
  CSVWithNames: { format_csv_null_representation: '' },
  // Readers in browsers decompress nothing inside of Arrow.
  ArrowStream: { output_format_arrow_compression_method: 'none' },
};

/** A query that groups or sorts more than a quarter of its memory goes on on disk, which is bounded too. */
function spillSettings(memoryBytes: number | undefined): Record<string, number> {
  if (memoryBytes === undefined) return {};
  return {
    max_bytes_before_external_group_by: Math.floor(memoryBytes / 4),
    max_bytes_ratio_before_external_group_by: 0,
    max_bytes_before_external_sort: Math.floor(memoryBytes / 4),
    max_bytes_ratio_before_external_sort: 0,
    max_temporary_data_on_disk_size_for_query: 4 * memoryBytes,
  };
}

function limitSettings(limits: ReaderLimits): Record<string, number> {
  const settings: Record<string, number | undefined> = {
    max_memory_usage: limits.memoryBytes,
    max_execution_time: limits.seconds,
    max_result_bytes: limits.resultBytes,
    max_rows_to_read: limits.rowsToRead,
    max_threads: limits.threads,
  };
  const given: Record<string, number> = {};
  for (const [name, value] of Object.entries(settings)) if (value !== undefined) given[name] = value;
  return given;
}
