/** POST /api/v1/projects/{id}/query: one question about one project's events, in SQL. */
import { Readable } from 'node:stream';
import { type QueryService, type Question, STREAM_FORMATS, type StreamFormat } from '@weir/query';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { BodyReader } from '../http/body/body-reader.js';
import { parseInput } from '../http/parse.js';
import { whenDone } from '../http/when-done.js';
import type { Metrics } from '../metrics.js';
import type { AnalysisAccess } from '../query/access.js';
import { meterOf } from '../usage/request-usage.js';

const parameter = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])),
]);
const body = z.strictObject({
  sql: z.string('must be a text'),
  params: z.record(z.string().regex(/^[A-Za-z_]\w*$/, 'must be a plain name'), parameter).default({}),
  format: z.enum(['json', ...STREAM_FORMATS]).optional(),
});

/** What a client may ask for with `Accept` instead. */
const ACCEPTED: Readonly<Record<string, StreamFormat>> = {
  'application/x-ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'text/csv': 'csv',
  'application/vnd.apache.parquet': 'parquet',
  'application/vnd.apache.arrow.stream': 'arrow',
};

/** Adds the route. */
export function queryRoute(
  web: FastifyInstance,
  access: AnalysisAccess,
  query: () => QueryService,
  metrics: Metrics,
  bodies: BodyReader,
  maxTextBytes: number,
): void {
  const route = '/api/v1/projects/:id/query';
  // JSON may write each byte of the text as an escape of six.
  const maxBytes = 6 * maxTextBytes + 1024 * 1024;
  web.post<{ Params: { id: string } }>(route, async (request, reply) => {
    const gone = new AbortController();
    const started = performance.now();
    // Before anything is waited for: a client may leave at any time.
    whenDone(request.raw, reply.raw, () => {
      gone.abort();
      metrics.queried((performance.now() - started) / 1000);
    });
    const projectId = await access.to(request, reply, request.params.id);
    await bodies.receive(request, reply, projectId, { maxBytes });
    const { format, ...question } = parseInput(body, request.body);
    const chosen = format ?? acceptedFormat(request.headers.accept);
    const options = { signal: gone.signal, ...meterOf(request.raw) };
    if (chosen === 'json') return query().ask(projectId, question, options);
    return stream(query(), projectId, question, chosen, options, reply);
  });
}

async function stream(
  query: QueryService,
  projectId: string,
  question: Question,
  format: StreamFormat,
  options: Parameters<QueryService['stream']>[3],
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { contentType, bytes } = await query.stream(projectId, question, format, options);
  // A failure from here on breaks the connection off: what arrived cannot be taken for the whole.
  return reply.type(contentType).send(Readable.from(bytes, { objectMode: false }));
}

/** The first format of an Accept header that is one of ours; JSON where there is none. */
function acceptedFormat(accept: FastifyRequest['headers']['accept']): 'json' | StreamFormat {
  for (const part of (accept ?? '').split(',')) {
    const type = part.split(';', 1)[0]?.trim().toLowerCase() ?? '';
    if (type === 'application/json' || type === '*/*') return 'json';
    const format = ACCEPTED[type];
    if (format !== undefined) return format;
  }
  return 'json';
}
