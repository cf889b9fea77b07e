import { Agent, type AgentOptions, IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { deadline, defined } from '@weir/base';
import type { ParameterValue, ResultBytes } from './clickhouse.js';
import { ClickHouseError, toClickHouseError } from './clickhouse-error.js';
import { Deadline } from './deadline.js';
import { withoutTrailer } from './exception-trailer.js';
import { type QueryUse, SUMMARY_HEADER, type UseSummary, useOf } from './query-use.js';
import type { ClickHouseTarget, Credentials } from './target.js';

/** One request to ClickHouse's HTTP interface. */
export interface HttpRequest {
  readonly sql: string;
  readonly params?: Readonly<Record<string, ParameterValue>> | undefined;
  readonly settings?: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly body?: readonly Uint8Array[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** An answer after its first block. */
export interface HttpAnswer extends ResultBytes {
  readonly writtenRows: number;
  /** The use of the query: on the embedded engine undefined before the end; on a server from the response headers. */
  used(): QueryUse | undefined;
}

/** `@clickhouse/client` for one user, with its sockets, error conversion and time limits. */
export class HttpSession {
  readonly #client: ClickHouseClient;

  /** @param database the database of unqualified table names; default ClickHouse's own */
  constructor(target: ClickHouseTarget, user: Credentials, database?: string) {
    this.#client = createClient({
      ...user,
      ...defined({ database }),
      // Each client times its idle sockets: an agent shared by two clients would close sockets that the other one uses.
      ...('socketPath' in target
        ? {
            url: 'http://localhost',
            http_agent: socketAgent(target.socketPath),
          }
        : { url: target.url, max_open_connections: 64 }),
      // Calls set their own limits; the client's would abort long inserts and slow queries.
      request_timeout: 24 * 3_600_000,
      compression: { request: false, response: false },
      // Its log prints statements and settings.
      log: { level: ClickHouseLogLevel.OFF },
    });
  }

  /** Sends one statement, with data if there is a body; resolves when the answer has begun successfully. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const deadline = new Deadline(request.signal, request.timeoutMs);
    try {
      deadline.signal.throwIfAborted();
      const answer = await this.#client.exec({
        query: request.sql,
        abort_signal: deadline.signal,
        ...(request.params === undefined ? {} : { query_params: { ...request.params } }),
        clickhouse_settings: Object.fromEntries(
          Object.entries(request.settings ?? {}).map(([name, value]) => [name, settingText(value)]),
        ),
        ...(request.body === undefined ? {} : { values: Readable.from(request.body, { objectMode: false }) }),
      });
      const tag = answer.response_headers['x-clickhouse-exception-tag'];
      // After the answer has begun, the client no longer observes the signal; this code must stop the stream, read or
      // not.
      const { stream } = answer;
      const stop = (): void => void stream.destroy(new Error('aborted'));
      stream.on('error', () => {});
      stream.once('close', () => deadline.signal.removeEventListener('abort', stop));
      deadline.signal.addEventListener('abort', stop, { once: true });
      if (deadline.signal.aborted) stop();
      return {
        queryId: answer.query_id,
        writtenRows: Number(answer.summary?.written_rows ?? 0),
        used: () => useOf(trailingSummary(stream)) ?? useOf(answer.summary),
        [Symbol.asyncIterator]: () => read(stream, typeof tag === 'string' ? tag : undefined, deadline),
      };
    } catch (thrown) {
      const error = failure(thrown, deadline);
      deadline.release();
      throw error;
    }
  }

  /** Whether the HTTP interface answers. */
  async ping(timeoutMs: number): Promise<boolean> {
    const limit = deadline(timeoutMs);
    try {
      const { success } = await this.#client.ping({ select: false, abort_signal: limit.signal });
      return success;
    } finally {
      limit.release();
    }
  }

  /** Closes the sockets. */
  close(): Promise<void> {
    return this.#client.close();
  }
}

/** The summary that the embedded engine sends after the last byte of an answer. */
function trailingSummary(stream: Readable): Partial<UseSummary> | undefined {
  // Nothing is compressed here, so the client passes the message itself.
  const text = stream instanceof IncomingMessage ? stream.trailers[SUMMARY_HEADER] : undefined;
  // The cast holds: our own engine writes it.
  return text === undefined ? undefined : (JSON.parse(text) as UseSummary);
}

/** An HTTP agent of one client for a Unix socket. */
function socketAgent(socketPath: string): Agent {
  // Node passes an agent's socketPath to net.connect; its type does not declare it.
  const options: AgentOptions & { readonly socketPath: string } = {
    keepAlive: true,
    maxSockets: 64,
    socketPath,
  };
  return new Agent(options);
}

/** A setting in the form of the URL. */
function settingText(value: string | number | boolean): string {
  return typeof value === 'boolean' ? (value ? '1' : '0') : String(value);
}

async function* read(
  stream: Readable,
  tag: string | undefined,
  deadline: Deadline,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* withoutTrailer(stream, tag);
  } catch (thrown) {
    throw failure(thrown, deadline);
  } finally {
    deadline.release();
    stream.destroy();
  }
}

function failure(thrown: unknown, deadline: Deadline): unknown {
  if (!deadline.signal.aborted) return toClickHouseError(thrown);
  const reason: unknown = deadline.signal.reason;
  return reason ?? new ClickHouseError('unavailable', 'the call was aborted', { cause: thrown });
}
