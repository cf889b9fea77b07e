/** Headers for browsers: how to treat an answer, and which pages may read it. */
import type { FastifyReply } from 'fastify';
import { Problem } from '../http/problem.js';
import type { PageOrigins } from '../mcp/origins.js';

/** The methods of a stream. */
export const STREAM_METHODS = 'GET, HEAD, PUT, POST, DELETE, OPTIONS';

const REQUEST_HEADERS = [
  'authorization',
  'content-type',
  'content-encoding',
  'if-none-match',
  'stream-seq',
  'stream-ttl',
  'stream-expires-at',
  'stream-closed',
  'stream-forked-from',
  'stream-fork-offset',
  'stream-fork-sub-offset',
  'producer-id',
  'producer-epoch',
  'producer-seq',
].join(', ');
const RESPONSE_HEADERS = [
  'etag',
  'location',
  'retry-after',
  'x-request-id',
  'stream-next-offset',
  'stream-cursor',
  'stream-up-to-date',
  'stream-closed',
  'stream-ttl',
  'stream-expires-at',
  'stream-sse-data-encoding',
  'producer-epoch',
  'producer-seq',
  'producer-expected-seq',
  'producer-received-seq',
].join(', ');

/** Sets the browser headers of an answer (protocol, section 10.7); the access check refuses other pages. */
export function markAnswer(reply: FastifyReply, origin: string | undefined, origins: PageOrigins): void {
  reply
    // Clients wrote the content of a stream: opened as a page, it must not run with the origin of this server.
    .header('content-security-policy', 'sandbox')
    .header('cross-origin-resource-policy', 'cross-origin')
    .header('vary', 'Origin');
  if (origin === undefined || !origins.allows(origin)) return;
  reply
    .header('access-control-allow-origin', origin)
    .header('access-control-expose-headers', RESPONSE_HEADERS);
}

/** @throws Problem 403 for a page that may not use streams */
export function refuseForeignPage(origin: string | undefined, origins: PageOrigins): void {
  if (origin === undefined || origins.allows(origin)) return;
  throw new Problem('origin_not_allowed', 'pages of this origin may not use streams', {
    hint: 'use streams from your server, which keeps the API key',
  });
}

/** Answers a preflight. */
export function answerPreflight(reply: FastifyReply): FastifyReply {
  return reply
    .code(204)
    .header('access-control-allow-methods', STREAM_METHODS)
    .header('access-control-allow-headers', REQUEST_HEADERS)
    .header('access-control-max-age', '86400')
    .send();
}
