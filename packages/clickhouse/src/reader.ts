import type { CallOptions, ParameterValue, ResultBytes } from './clickhouse.js';
import { ClickHouseError } from './clickhouse-error.js';
import { HttpSession } from './http-session.js';
import { databaseNames } from './migrate/migration.js';
import type { QueryUse } from './query-use.js';
import { requireTag } from './running-queries.js';
import { ScopeSigner } from './scope.js';
import type { ClickHouseTarget } from './target.js';

/** Limits of a tenant's query. Each maps to the ClickHouse setting of the same meaning. */
export interface ReaderLimits {
  /** Memory of the query, in bytes. */
  readonly memoryBytes?: number;
  /** Time, in seconds; checked between blocks only. */
  readonly seconds?: number;
  readonly resultBytes?: number;
  readonly rowsToRead?: number;
  readonly threads?: number;
}

/** Options of {@link Reader.query}. */
export interface ReaderOptions extends Omit<CallOptions, 'settings'> {
  readonly params?: Readonly<Record<string, ParameterValue>>;
  /** The output format if the statement names none. Default `JSONEachRow`. */
  readonly format?: string;
  readonly limits?: ReaderLimits;
  /** Uses the cheaper views in which `events` has no `distinct_id`, and no other views exist. Default false. */
  readonly plain?: boolean;
  /**
   * Uses the views in which conditions on `timestamp` may use the index. Only for statements that cannot fail on any
   * time; otherwise their errors reveal when events of other projects happened. Default false.
   */
  readonly keyed?: boolean;
}

/** An answer of the reader. */
export interface ReaderAnswer extends ResultBytes {
  /**
   * The use of the query: final once the answer was read to its end, complete or failed. Undefined before, and for an
   * answer that was left early: use `ClickHouse.kill` with its tag. A ClickHouse server only reports the use at the
   * start of the answer. `QueryMeter` describes the precision of rows and memory.
   */
  used(): QueryUse | undefined;
}

/** Runs SELECTs of one project as the reader: only the public views, only that project's rows, without changes. */
export interface Reader {
  /** Runs one SELECT for one project and streams the answer. `projectId` is a UUID in lower case. */
  query(projectId: string, sql: string, options?: ReaderOptions): Promise<ReaderAnswer>;
  /**
   * The tag prefix with which `ClickHouse.running` and `ClickHouse.kill` find a project's queries: all, or those with
   * this tag.
   */
  tagOf(projectId: string, tag?: string): string;
  /** Closes the connections. */
  close(): Promise<void>;
}

/**
 * Connects to ClickHouse as the reader.
 *
 * @throws ClickHouseError if a server target names no reader.
 */
export function connectReader(target: ClickHouseTarget): Reader {
  if (target.reader === undefined) {
    throw new ClickHouseError('query', 'queries of tenants need a reader: a ClickHouse user of their own');
  }
  // The embedded engine keeps its key and signs itself; for a server, this client signs.
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
        // Parsing may have made the text longer than the one that was sent.
        max_query_size: 8 * 1024 * 1024,
        default_format: options.format ?? 'JSONEachRow',
        ...(OF_FORMAT[options.format ?? ''] ?? {}),
        // The settings of this request apply first; the statement may not change them.
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

/** Big numbers as strings, numbers that JSON cannot represent as null, times as RFC 3339. */
const EXACT_JSON = {
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
  output_format_json_quote_denormals: 0,
  date_time_output_format: 'iso',
} as const;

/**
 * Makes `properties::JSON` read every document completely, and return its texts as they were sent. Without these
 * settings one event with `{"a": {"b": 1}, "a.b": 2}` fails every query of its project, and texts that look like times
 * are returned in another form and zone. Keys that contain a dot are read as `properties::JSON.\`a%2Eb\``. Available
 * since ClickHouse 25.8.
 */
const WHOLE_DOCUMENTS = {
  json_type_escape_dots_in_keys: 1,
  // A key that is literally `a%2Eb` next to one that is `a.b`.
  type_json_skip_duplicated_paths: 1,
  input_format_try_infer_dates: 0,
  input_format_try_infer_datetimes: 0,
} as const;

/** Settings that readers of a format expect. */
const OF_FORMAT: Readonly<Record<string, Readonly<Record<string, string | number>>>> = {
  // By default NULL is \\N, which spreadsheets, DuckDB and pandas read as text.
  CSVWithNames: { format_csv_null_representation: '' },
  // Readers in browsers cannot decompress data inside Arrow.
  ArrowStream: { output_format_arrow_compression_method: 'none' },
};

/** A query that groups or sorts more than a quarter of its memory continues on disk, which is limited too. */
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
