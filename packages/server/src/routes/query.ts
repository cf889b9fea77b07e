/**
 * POST /api/v1/projects/{id}/query: one SELECT over the project's events. The reader may only read the project's own
 * rows, but the gate that refuses hostile SQL is not built yet: keys with the scope `query` are for people the operator
 * trusts.
 */
import { Readable } from 'node:stream';
import { ClickHouseError, type Reader } from '@weir/clickhouse';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Config } from '../config/schema.js';
import type { Authorizer } from '../http/authorize.js';
import { parseInput } from '../http/parse.js';
import { Problem } from '../http/problem.js';
import type { Metrics } from '../metrics.js';
import { readAnswer } from '../query/answer.js';

const parameter = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const body = z.strictObject({
  sql: z.string(),
  params: z.record(z.string(), parameter).default({}),
  format: z.enum(['json', 'ndjson', 'csv']).default('json'),
});

const STREAMED = {
  ndjson: { format: 'JSONEachRow', type: 'application/x-ndjson' },
  csv: { format: 'CSVWithNames', type: 'text/csv; charset=utf-8' },
} as const;

/** A JSON answer is held in memory whole, so it may have less of the bytes of an answer than a stream. */
const JSON_SHARE = 1 / 16;

/** ClickHouse's code for a query past its time. */
const TIMEOUT_EXCEEDED = 159;
const MEMORY_LIMIT_EXCEEDED = 241;
const TOO_MANY_QUERIES = 202;
const SYNTAX_ERROR = 62;

/** Adds the route. */
export function queryRoute(
  web: FastifyInstance,
  authorizer: Authorizer,
  reader: Reader | null,
  metrics: Metrics,
  config: Config,
): void {
  const limits = {
    memoryBytes: config.WEIR_QUERY_MAX_MEMORY,
    seconds: config.WEIR_QUERY_MAX_EXECUTION_TIME / 1000,
    resultBytes: config.WEIR_QUERY_MAX_RESULT_BYTES,
  };
  const route = '/api/v1/projects/:project/query';
  web.post<{ Params: { project: string } }>(
    route,
    { bodyLimit: config.WEIR_QUERY_MAX_BODY_BYTES * 2 },
    async (request, reply) => {
      const { projectId } = await authorizer.apiKey(request, request.params.project, 'query');
      const { sql, params, format } = parseInput(body, request.body);
      if (sql.trim() === '') throw new Problem(400, 'sql_required', 'sql is empty');
      if (Buffer.byteLength(sql) > config.WEIR_QUERY_MAX_BODY_BYTES) {
        throw new Problem(400, 'query_too_large', 'the query text is too long', {
          limit: config.WEIR_QUERY_MAX_BODY_BYTES,
        });
      }
      if (reader === null)
        throw new Problem(503, 'engine_unavailable', 'WEIR_CLICKHOUSE_READER_PASSWORD is not set');
      const gone = new AbortController();
      reply.raw.on('close', () => gone.abort());
      const started = performance.now();
      try {
        const options = {
          params,
          limits,
          signal: gone.signal,
          timeoutMs: config.WEIR_QUERY_MAX_EXECUTION_TIME,
        };
        if (format === 'json') {
          const bytes = await reader.query(projectId, sql, {
            ...options,
            format: 'JSONCompactEachRowWithNamesAndTypes',
          });
          const answer = await readAnswer(bytes, {
            rows: config.WEIR_QUERY_MAX_RESULT_ROWS,
            bytes: config.WEIR_QUERY_MAX_RESULT_BYTES * JSON_SHARE,
          });
          const elapsed_ms = Math.round(performance.now() - started);
          const { columns, rows, truncated } = answer;
          return { columns, rows, stats: { rows: rows.length, elapsed_ms }, truncated };
        }
        const { format: engineFormat, type } = STREAMED[format];
        const bytes = await reader.query(projectId, sql, { ...options, format: engineFormat });
        return await reply.type(type).send(Readable.from(bytes, { objectMode: false }));
      } catch (error) {
        // Nobody is there to be answered: the status is for the log, as nginx has it.
        if (gone.signal.aborted) throw new Problem(499, 'client_gone', 'the client left');
        throw queryProblem(error);
      } finally {
        metrics.queried((performance.now() - started) / 1000);
      }
    },
  );
}

/** What a caller is told of the engine's refusal: its text, which speaks of the caller's own query. */
function queryProblem(error: unknown): unknown {
  if (!(error instanceof ClickHouseError) || error.code === undefined) return error;
  if (error.code === TIMEOUT_EXCEEDED)
    return new Problem(408, 'query_timeout', 'the query took too long', {}, { cause: error });
  if (error.code === MEMORY_LIMIT_EXCEEDED) {
    return new Problem(
      400,
      'query_too_large',
      'the query needs too much memory',
      { hint: 'aggregate, filter or add LIMIT' },
      { cause: error },
    );
  }
  if (error.code === TOO_MANY_QUERIES) return error;
  const code = error.code === SYNTAX_ERROR ? 'sql_invalid' : 'query_failed';
  return new Problem(400, code, error.detail ?? error.message, {}, { cause: error });
}
