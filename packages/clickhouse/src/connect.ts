import { defined } from '@weir/base';
import type {
  CallOptions,
  ClickHouse,
  InsertResult,
  ResultBytes,
  StatementOptions,
  StreamOptions,
} from './clickhouse.js';
import { ClickHouseError } from './clickhouse-error.js';
import { type HttpAnswer, type HttpRequest, HttpSession } from './http-session.js';
import { type QueryUse, type UseSummary, useOf } from './query-use.js';
import { COUNT_RUNNING, KILL_RUNNING, requireTag } from './running-queries.js';
import type { ClickHouseTarget } from './target.js';

/**
 * Creates a client of ClickHouse. It connects with the first call, which fails if the server is unavailable.
 *
 * @example const clickhouse = connectClickHouse({ url: 'http://clickhouse:8123', username: 'weir', password }); const
 *   [row] = await clickhouse.query<{ n: string }>('SELECT count() AS n FROM weir_base.events_raw_v1');
 */
export function connectClickHouse(target: ClickHouseTarget): ClickHouse {
  const user =
    'socketPath' in target
      ? target.admin
      : { username: target.username ?? 'default', password: target.password ?? '' };
  return new HttpClickHouse(new HttpSession(target, user));
}

class HttpClickHouse implements ClickHouse {
  readonly #session: HttpSession;

  constructor(session: HttpSession) {
    this.#session = session;
  }

  async query<T>(sql: string, options: StatementOptions = {}): Promise<T[]> {
    const text = await readAll(await this.#send(sql, options, { default_format: 'JSONEachRow' }));
    const rows: T[] = [];
    for (const line of text.toString('utf8').split('\n')) {
      // The caller declares the row type that its SELECT returns.
      if (line !== '') rows.push(JSON.parse(line) as T);
    }
    return rows;
  }

  async stream(sql: string, options: StreamOptions = {}): Promise<ResultBytes> {
    return this.#send(sql, options, { default_format: options.format ?? 'JSONEachRow' });
  }

  async command(sql: string, options: StatementOptions = {}): Promise<void> {
    await readAll(await this.#send(sql, options, {}));
  }

  async insertRaw(
    statement: string,
    body: readonly Uint8Array[],
    options: CallOptions = {},
  ): Promise<InsertResult> {
    if (!/\sFORMAT\s+\w+\s*$/i.test(statement)) {
      throw new ClickHouseError('query', 'an insert of raw bytes must end in FORMAT and its name');
    }
    // async_insert would acknowledge rows that are only in the memory of the server.
    const answer = await this.#send(statement, options, { async_insert: 0 }, body);
    await readAll(answer);
    return { writtenRows: answer.writtenRows };
  }

  async running(tag: string, options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    requireTag(tag);
    const rows = await this.query<{ running: string }>(COUNT_RUNNING, { params: { tag }, ...options });
    return Number(rows[0]?.running ?? 0);
  }

  async kill(tag: string, options: { readonly signal?: AbortSignal } = {}): Promise<QueryUse | undefined> {
    requireTag(tag);
    let use: QueryUse | undefined;
    do {
      // A server answers with a row for each query, without its use.
      const [row] = await this.query<Partial<UseSummary>>(KILL_RUNNING, { params: { tag }, ...options });
      use = useOf(row) ?? use;
    } while ((await this.running(tag, options)) > 0);
    return use;
  }

  ping(timeoutMs = 5_000): Promise<boolean> {
    return this.#session.ping(timeoutMs);
  }

  async version(): Promise<string> {
    const rows = await this.query<{ version: string }>('SELECT version() AS version');
    return rows[0]?.version ?? '';
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  async #send(
    sql: string,
    options: StatementOptions,
    settings: NonNullable<HttpRequest['settings']>,
    body?: readonly Uint8Array[],
  ): Promise<HttpAnswer> {
    if (options.tag !== undefined) requireTag(options.tag);
    return this.#session.send({
      sql,
      body,
      params: options.params,
      settings: {
        output_format_json_quote_64bit_integers: 1,
        ...settings,
        ...options.settings,
        ...defined({ log_comment: options.tag }),
      },
      signal: options.signal,
      timeoutMs: options.timeoutMs,
    });
  }
}

async function readAll(answer: HttpAnswer): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of answer) parts.push(part);
  return Buffer.concat(parts);
}
