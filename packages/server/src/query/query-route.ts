/** POST /api/v1/projects/{id}/query: runs one SQL query on the events of one project. */

import { type QueryService, STREAM_FORMATS, type StreamFormat } from '@weir/query';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { BodyReader } from '../http/body/body-reader.js';
import { acceptedEncoding, LEAST_COMPRESSED_BYTES } from '../http/content-encoding.js';
import type { CrossOrigin } from '../http/cors.js';
import { parseInput } from '../http/parse.js';
import { Problem } from '../http/problem.js';
import { surface } from '../http/surface.js';
import { whenDone } from '../http/when-done.js';
import type { Metrics } from '../operations/metrics.js';
import { meterOf } from '../usage/request-usage.js';
import type { AnalysisAccess } from './access.js';
import { type AnswerBytes, type AnswerDelivery, piecesOf } from './answer-delivery.js';

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

/** Formats that a client may request with `Accept`. */
const ACCEPTED: Readonly<Record<string, StreamFormat>> = {
  'application/x-ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'text/csv': 'csv',
  'application/vnd.apache.parquet': 'parquet',
  'application/vnd.apache.arrow.stream': 'arrow',
};

/** Formats that people save as files. Parquet is compressed itself. */
const FILES: Readonly<Record<StreamFormat, Pick<AnswerBytes, 'fileName' | 'isCompressed'>>> = {
  ndjson: {},
  csv: { fileName: 'weir-query.csv' },
  parquet: { fileName: 'weir-query.parquet', isCompressed: true },
  arrow: { fileName: 'weir-query.arrows' },
};

/** JSON answers up to this size are sent at once. */
const WHOLE_CHARACTERS = 64 * 1024;

/** Dependencies of the route. */
export interface QueryRouteParts {
  readonly access: AnalysisAccess;
  readonly query: () => QueryService;
  readonly delivery: AnswerDelivery;
  readonly metrics: Metrics;
  readonly bodies: BodyReader;
  readonly maxTextBytes: number;
  readonly crossOrigin: CrossOrigin;
}

/** Adds the route. */
export function queryRoute(web: FastifyInstance, parts: QueryRouteParts): void {
  const { access, query, delivery, metrics, bodies, maxTextBytes, crossOrigin } = parts;
  const route = '/api/v1/projects/:id/query';
  // JSON may write each byte of the text as an escape of six bytes.
  const maxBytes = 6 * maxTextBytes + 1024 * 1024;
  web.post<{ Params: { id: string } }>(route, surface('query', crossOrigin), async (request, reply) => {
    const gone = new AbortController();
    const started = performance.now();
    // Before the first await: a client may disconnect at any time.
    whenDone(request.raw, reply.raw, () => {
      gone.abort();
      metrics.queried((performance.now() - started) / 1000);
    });
    const projectId = await access.to(request, reply, request.params.id);
    refuseParameters(request.url);
    await bodies.receive(request, projectId, { maxBytes });
    const { format, ...question } = parseInput(body, request.body);
    reply.header('vary', 'Origin, Accept-Encoding');
    const chosen = format ?? acceptedFormat(request.headers.accept);
    const options = { signal: gone.signal, ...meterOf(request.raw) };
    const send = delivery.open(projectId, request, reply);
    // An error after the first byte breaks the connection, so that the client does not take a partial answer for a
    // complete one.
    if (chosen !== 'json') {
      const answer = await query().stream(projectId, question, chosen, options);
      return send({ ...answer, ...FILES[chosen] });
    }
    const answer = JSON.stringify(await query().ask(projectId, question, options));
    const isEncoded = acceptedEncoding(request.headers['accept-encoding']) !== null;
    if (answer.length > (isEncoded ? LEAST_COMPRESSED_BYTES : WHOLE_CHARACTERS))
      return send(jsonBytes(answer));
    return reply.type(JSON_TYPE).send(answer);
  });
}

/** A `?format=csv` would be ignored, and the answer would be JSON. */
function refuseParameters(url: string): void {
  const [, search = ''] = url.split('?', 2);
  const [name] = new URLSearchParams(search).keys();
  if (name === undefined) return;
  throw new Problem('invalid_request', `${name.slice(0, 100)}: this URL takes no parameters`, {
    hint: 'send sql, params and format as members of the JSON body',
  });
}

const JSON_TYPE = 'application/json; charset=utf-8';

function jsonBytes(answer: string): AnswerBytes {
  const whole = Buffer.from(answer);
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* piecesOf(whole);
  }
  return { contentType: JSON_TYPE, bytes: bytes(), length: whole.length };
}

/** The first supported format of an Accept header; otherwise JSON. */
function acceptedFormat(accept: FastifyRequest['headers']['accept']): 'json' | StreamFormat {
  for (const part of (accept ?? '').split(',')) {
    const type = part.split(';', 1)[0]?.trim().toLowerCase() ?? '';
    if (type === 'application/json' || type === '*/*') return 'json';
    const format = ACCEPTED[type];
    if (format !== undefined) return format;
  }
  return 'json';
}
