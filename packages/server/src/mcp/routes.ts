/**
 * POST /mcp: the Model Context Protocol over Streamable HTTP, stateless. Supports revision 2026-07-28, and clients of
 * 2025-11-25 and earlier (`initialize`); the library distinguishes them for each request.
 */

import type { Credentials } from '@weir/accounts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { TenantGate } from '../admission/tenant-gate.js';
import type { BodyReader } from '../http/body/body-reader.js';
import { CrossOrigin } from '../http/cors.js';
import { Problem } from '../http/problem.js';
import { surface } from '../http/surface.js';
import { whenDone } from '../http/when-done.js';
import { usageOf } from '../usage/request-usage.js';
import { callerOf, type McpCaller } from './caller.js';
import { McpEndpoint, type McpEndpointParts } from './endpoint.js';
import { PageOrigins } from './origins.js';
import { resourceMetadataRoute } from './resource-metadata.js';

/** Dependencies of the routes. */
export interface McpParts extends McpEndpointParts {
  readonly credentials: Credentials;
  /** Admits every tool call. */
  readonly gate: TenantGate;
  /** The URL under which clients reach this server. */
  readonly publicUrl: () => string;
  readonly bodies: BodyReader;
  /** Maximum query text in bytes (`WEIR_QUERY_MAX_BODY_BYTES`); a body may be twice that. */
  readonly maxSqlBytes: number;
  /** Origins whose pages may call, besides the server's own. Default none. */
  readonly allowedOrigins?: readonly string[];
}

/** Adds /mcp and the metadata document. */
export function mcpRoutes(web: FastifyInstance, parts: McpParts): void {
  const publicUrl = () => parts.publicUrl().replace(/\/+$/, '');
  const origins = new PageOrigins(publicUrl, parts.allowedOrigins);
  const crossOrigin = new CrossOrigin((origin) => origins.allows(origin), {
    methods: 'POST, OPTIONS',
    exposed: ['mcp-session-id', 'mcp-protocol-version'],
  });
  const callers = new WeakMap<FastifyRequest, McpCaller>();
  const endpoint = new McpEndpoint(parts);
  resourceMetadataRoute(web, publicUrl);
  void web.register(async (scope) => {
    scope.route({
      method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      exposeHeadRoute: false,
      url: '/mcp',
      ...surface('mcp', crossOrigin),
      // Before the body is read, so that an unauthorised client cannot make the server read one.
      onRequest: async (request, reply) => {
        const { origin } = request.headers;
        if (origin !== undefined && !origins.allows(origin)) {
          throw new Problem('origin_not_allowed', 'pages of this origin may not call this server');
        }
        if (request.method === 'OPTIONS' && origin !== undefined) {
          return await reply.code(204).headers(crossOrigin.preflightHeaders(request.raw)).send();
        }
        const caller = await callerOf(request, parts.credentials, publicUrl());
        usageOf(request.raw)?.identify(caller.projectId, caller.tokenId);
        callers.set(request, caller);
        if (request.method !== 'POST') {
          throw new Problem('method_not_allowed', 'only POST here', {
            headers: { allow: 'POST, OPTIONS' },
          });
        }
      },
      handler: async (request, reply) => {
        const caller = callers.get(request);
        if (caller === undefined) throw new Error('the request was not authorized');
        const gone = new AbortController();
        whenDone(request.raw, reply.raw, () => gone.abort());
        const usage = usageOf(request.raw);
        // The commit of the record overlaps with the calls, so it does not delay the answer.
        void usage?.open();
        const { id, headers } = request;
        const { projectId } = caller;
        const share = parts.bodies.shareOf(request.raw, projectId);
        const limits = { maxBytes: parts.maxSqlBytes * 2, hint: 'ask for less in one message' };
        const body = await parts.bodies.bytes(request.raw, projectId, share, limits);
        const admit = () => parts.gate.ask(request.raw, 'mcp', caller);
        // A handshake or a list reads no events.
        const admitOther = () => parts.gate.admit(request.raw, reply.raw, 'mcp', caller, false);
        return await reply.send(
          await endpoint.respond({
            caller,
            admit,
            admitOther,
            usage,
            id,
            headers,
            body,
            signal: gone.signal,
          }),
        );
      },
    });
  });
}
