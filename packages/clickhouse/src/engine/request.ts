import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { EngineException } from './engine-exception.js';

/** A statement in the form of ClickHouse's HTTP interface, parsed from the URL. */
export interface StatementRequest {
  /** `?query=`: a statement whose data is the body. Undefined: the body is the statement. */
  readonly query: string | undefined;
  readonly database: string | undefined;
  readonly format: string;
  /** `log_comment`, as the caller sent it. */
  readonly tag: string;
  /** Values of placeholders, as text in ClickHouse's escaped form. */
  readonly params: ReadonlyMap<string, string>;
  /** Settings of the engine, by name. */
  readonly settings: ReadonlyMap<string, string>;
}

/** Parameters of the HTTP interface without effect here: the answer is always complete or a stream. */
const IGNORED = new Set([
  'wait_end_of_query',
  'enable_http_compression',
  'send_progress_in_http_headers',
  'http_headers_progress_interval_ms',
  'buffer_size',
]);

/**
 * Parses the URL of a request. Settings become command-line arguments of an engine session, which also accepts
 * `--config-file` and `--path`, so only names of engine settings pass.
 */
export function readStatementRequest(
  search: URLSearchParams,
  isSetting: (name: string) => boolean,
): StatementRequest {
  const params = new Map<string, string>();
  const settings = new Map<string, string>();
  for (const [name, value] of search) {
    if (NAMED.has(name) || IGNORED.has(name)) continue;
    if (value.includes('\0')) throw new EngineException(36, 'BAD_ARGUMENTS', `${name} holds a NUL`);
    if (name.startsWith('param_')) params.set(parameterName(name.slice('param_'.length)), value);
    else if (/^[a-z][a-z0-9_]*$/.test(name) && isSetting(name)) settings.set(name, value);
    else throw new EngineException(115, 'UNKNOWN_SETTING', `Unknown setting '${name.slice(0, 100)}'`);
  }
  return {
    query: search.get('query') ?? undefined,
    database: search.get('database') ?? undefined,
    format: search.get('default_format') ?? 'TabSeparated',
    tag: search.get('log_comment') ?? '',
    params,
    settings,
  };
}

const NAMED = new Set(['query', 'query_id', 'database', 'default_format', 'log_comment']);

function parameterName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  throw new EngineException(36, 'BAD_ARGUMENTS', 'a query parameter needs a plain name');
}

/** The decompressed body of a request. A truncated body fails the stream. */
export function bodyOf(request: IncomingMessage): Readable {
  const encoding = request.headers['content-encoding'];
  const into = encoding === 'gzip' ? createGunzip() : new PassThrough();
  if (encoding !== undefined && encoding !== 'gzip' && encoding !== 'identity') {
    throw new EngineException(48, 'NOT_IMPLEMENTED', 'a body may be compressed with gzip only');
  }
  // The reader of `into` gets errors: pipeline destroys it with the error.
  pipeline(request, into).catch(() => {});
  return into;
}

/** Reads a body that is a statement. */
export async function readText(body: Readable, limit: number): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body) {
    // A byte stream without an encoding set yields Buffers.
    const bytes = part as Buffer;
    size += bytes.length;
    if (size > limit)
      throw new EngineException(223, 'QUERY_IS_TOO_LARGE', `a statement may have ${limit} bytes`);
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString('utf8');
}
