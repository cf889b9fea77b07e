/**
 * POST /mcp: the Model Context Protocol over Streamable HTTP, stateless. Revision 2026-07-28 and, beside it, clients of
 * 2025-11-25 and earlier (`initialize`); the library tells them apart request by request.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { createMcpHandler, isInitializeRequest } from '@modelcontextprotocol/server';
import type { Credentials } from '@weir/accounts';
import type { QueryService } from '@weir/query';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Problem } from '../http/problem.js';
import { callerOf, type McpCaller } from './caller.js';
import { Cancellations } from './cancellations.js';
import { PageOrigins } from './origins.js';
import { resourceMetadataRoute } from './resource-metadata.js';
import { createMcpServer } from './server.js';
import { type BeforeCall, ToolCalls } from './tool-calls.js';

/** What the endpoint is made of. */
export interface McpParts {
  readonly credentials: Credentials;
  /** The read path, asked for by each call; throws a Problem where this server has none. */
  readonly query: () => QueryService;
  readonly logger: Logger;
  /** The URL under which clients reach this server. */
  readonly publicUrl: () => string;
  /** Longest query text in bytes (`WEIR_QUERY_MAX_BODY_BYTES`); a body may be twice that. */
  readonly maxSqlBytes: number;
  /** Origins whose pages may call, beside the server's own. Default none. */
  readonly allowedOrigins?: readonly string[];
  /** Asked before every tool call, see `entitled`. Default: every call runs. */
  readonly beforeCall?: BeforeCall;
}

/** Messages of one JSON-RPC batch, which revision 2025-03-26 allows. */
const MAX_BATCH = 20;
const SESSION_HEADER = 'mcp-session-id';

/** Adds /mcp and the document that tells clients how to get in. */
export function mcpRoutes(web: FastifyInstance, parts: McpParts): void {
  const publicUrl = () => parts.publicUrl().replace(/\/+$/, '');
  const origins = new PageOrigins(publicUrl, parts.allowedOrigins);
  const callers = new WeakMap<FastifyRequest, McpCaller>();
  const cancellations = new Cancellations();
  resourceMetadataRoute(web, publicUrl);
  // A scope of its own: what is wrong with a body is said in the protocol's own form, so nothing parses it before.
  void web.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      '*',
      { parseAs: 'string', bodyLimit: parts.maxSqlBytes * 2 },
      async (_request: FastifyRequest, body: string) => body,
    );
    scope.route({
      method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      exposeHeadRoute: false,
      url: '/mcp',
      onRequest: async (request) => {
        const { origin } = request.headers;
        if (origin !== undefined && !origins.allows(origin)) {
          throw new Problem(403, 'origin_not_allowed', 'pages of this origin may not call this server');
        }
        callers.set(request, await callerOf(request, parts.credentials, publicUrl()));
        if (request.method !== 'POST') {
          throw new Problem(405, 'method_not_allowed', 'only POST here', { headers: { allow: 'POST' } });
        }
      },
      handler: async (request, reply) => {
        const caller = callers.get(request);
        if (caller === undefined) throw new Error('a request that nobody authorized');
        const text = typeof request.body === 'string' ? request.body : '';
        const message = parsed(text);
        if (Array.isArray(message) && message.length > MAX_BATCH) {
          throw new Problem(400, 'invalid_request', `a batch may hold ${MAX_BATCH} messages`, {
            limit: MAX_BATCH,
          });
        }
        const given = sessionOf(request.headers);
        if (given === null && isInitializeRequest(message)) reply.header(SESSION_HEADER, randomUUID());
        const calls = new ToolCalls({
          caller,
          sessionId: given,
          requestId: request.id,
          query: parts.query,
          cancellations,
          beforeCall: parts.beforeCall ?? null,
          logger: parts.logger,
        });
        const handler = createMcpHandler(
          () => {
            const server = createMcpServer(calls);
            if (given !== null) {
              server.server.setNotificationHandler('notifications/cancelled', ({ params: { requestId } }) => {
                if (requestId === undefined) return;
                cancellations.cancel({ tokenId: caller.tokenId, sessionId: given, requestId });
              });
            }
            return server;
          },
          {
            // Nothing here ever changes while a client listens, so there is nothing to subscribe to.
            maxSubscriptions: 0,
            onerror: (error) => parts.logger.debug({ err: error, rid: request.id }, 'mcp'),
          },
        );
        const gone = new AbortController();
        reply.raw.on('close', () => gone.abort());
        const forwarded = new Request(`${publicUrl()}/mcp`, {
          method: 'POST',
          headers: protocolHeaders(request.headers),
          body: text,
          signal: gone.signal,
        });
        return await reply.send(
          await handler.fetch(forwarded, message === undefined ? {} : { parsedBody: message }),
        );
      },
    });
  });
}

/** The headers the protocol speaks of; a credential is none of them. */
function protocolHeaders(headers: IncomingHttpHeaders): Headers {
  const some = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    const isProtocol = name.startsWith('mcp-') || name === 'accept' || name === 'content-type';
    if (isProtocol && typeof value === 'string') some.set(name, value);
  }
  return some;
}

/** The message; undefined for what is no JSON, which the protocol's handler refuses. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sessionOf(headers: IncomingHttpHeaders): string | null {
  const given = headers[SESSION_HEADER];
  return typeof given === 'string' ? given : null;
}
