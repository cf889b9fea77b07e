/**
 * The Fastify application with every route except ingest: request ids, problem documents, one log line for each
 * request.
 */
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { Logger, WeirError } from '@weir/base';
import type { Surface } from '@weir/extension';
import type { UsageService } from '@weir/usage';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Metrics } from '../operations/metrics.js';
import { beginUsage, noteRefusal, stackOf, usageOf } from '../usage/request-usage.js';
import { releaseBody } from './body/body-reader.js';
import { boundUnread } from './body/drop-rest.js';
import type { ConnectionLimit } from './connection-limit.js';
import type { CrossOrigin } from './cors.js';
import { serveWaiting } from './expect-continue.js';
import { frontDoor } from './front-door.js';
import type { HostGuard } from './host-guard.js';
import { onClientError, refuseConnect } from './parser-errors.js';
import { Problem, problemBody, problemHeaders } from './problem.js';
import { problemOf } from './problem-of.js';
import { faultOfHead, normalizeTarget } from './request-head.js';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.js';
import { surface } from './surface.js';
import { tidyUrl } from './tidy-url.js';
import { routeUpgrades } from './upgrade.js';

/** Serves some requests before Fastify. */
interface FrontHandler {
  serves(request: IncomingMessage): boolean;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
/** Maximum time for a request with its body to arrive; a slow body is ended sooner, see open-bodies. */
const REQUEST_TIMEOUT_MS = 600_000;

const ENDS_CONNECTION = { connection: 'close' } as const;
/** Maximum characters of a path parameter: the maximum head that Node accepts. */
const MAX_PARAM_LENGTH = 16 * 1024;

/** No route declares a Fastify schema: parse.ts validates input, and routes write their own JSON. */
function refuseSchema(): never {
  throw new Error('declare no schema on a route: check input with parseInput');
}

/** Dependencies of the application. */
export interface WebParts {
  /** Receives requests before Fastify. */
  readonly front: FrontHandler;
  readonly connections: ConnectionLimit;
  readonly hosts: HostGuard;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Records every request; null if usage is switched off. */
  readonly usage: UsageService | null;
}

/** Answers a request that reaches no route. The connection stays open unless `headers` close it. */
async function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  problem: WeirError,
  metrics: Metrics,
  headers: OutgoingHttpHeaders = {},
): Promise<void> {
  const id = requestIdOf(request);
  const body = problemBody(problem, id);
  await usageOf(request)?.open();
  metrics.request('', '', problem.status, problem.code);
  boundUnread(request, response);
  response.writeHead(problem.status, {
    ...problemHeaders(problem),
    [REQUEST_ID_HEADER]: id,
    'x-content-type-options': 'nosniff',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/**
 * Creates the application.
 * @param addRoutes adds all routes
 */
export function createWeb(parts: WebParts, addRoutes: (web: FastifyInstance) => void): FastifyInstance {
  const { front, connections, hosts, logger, metrics, usage } = parts;
  const problemCodes = new WeakMap<FastifyRequest, string>();
  const web = Fastify({
    serverFactory: (handler: RequestListener) => {
      const serve: RequestListener = (request, response) => {
        normalizeTarget(request);
        request.url = tidyUrl(request.url ?? '');
        response.setHeader('x-content-type-options', 'nosniff');
        if (usage !== null) beginUsage(usage, request, response);
        const fault = faultOfHead(request);
        const wrongHost = hosts.fault(request);
        // The start of the next request may be ambiguous.
        if (fault !== null) void refuse(request, response, fault, metrics, ENDS_CONNECTION);
        else if (wrongHost !== null) void refuse(request, response, wrongHost, metrics);
        else if (front.serves(request)) void front.handle(request, response);
        else {
          boundUnread(request, response);
          handler(request, response);
        }
      };
      const door = frontDoor(serve, (request) => connections.noteProxy(request));
      const server = createServer(
        // A missing Host is rejected above, with a problem document.
        { keepAliveTimeout: 65_000, requestTimeout: REQUEST_TIMEOUT_MS, requireHostHeader: false },
        door,
      );
      serveWaiting(server, door);
      routeUpgrades(server, door);
      refuseConnect(server);
      server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
        if (usage !== null) beginUsage(usage, request, response);
        const problem = new Problem('invalid_request', 'the only supported expectation is 100-continue', {
          status: 417,
        });
        void refuse(request, response, problem, metrics, ENDS_CONNECTION);
      });
      connections.guard(server);
      return server;
    },
    clientErrorHandler: onClientError,
    // Without its own factories, Fastify loads the schema compilers at each start: 110 files, 25 ms of CPU.
    schemaController: { compilersFactory: { buildValidator: refuseSchema, buildSerializer: refuseSchema } },
    genReqId: requestIdOf,
    // A receipt names each part of a large batch: with the default of 100 characters, receipts of three parts did not
    // match.
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    forceCloseConnections: 'idle',
    // The admission gate answers late requests, like every other refusal.
    return503OnClosing: false,
    // Errors before any route or hook.
    frameworkErrors: (_error, request, reply) => {
      const problem = new Problem('invalid_request', 'the path of the URL cannot be read');
      reply.header(REQUEST_ID_HEADER, request.id);
      problemCodes.set(request, problem.code);
      void (usageOf(request.raw)?.open() ?? Promise.resolve()).then(() =>
        sendProblem(reply, request.id, problem),
      );
    },
  });
  // A route reads its body after it has checked the credential, see body/body-reader.
  web.removeAllContentTypeParsers();
  web.addContentTypeParser('*', (_request, _payload, done) => done(null));
  web.addHook('onRequest', async (request, reply) => {
    reply.header(REQUEST_ID_HEADER, request.id);
    const route = request.routeOptions.url;
    if (route === undefined) return;
    // Before the credential is checked: a page must be able to read a refusal.
    request.routeOptions.config.crossOrigin?.mark(request.raw, reply.raw);
    const src = route === '/mcp' ? 'mcp' : 'http';
    usageOf(request.raw)?.route(src, stackOf(surfaceOf(request), request.raw, route));
  });
  let isClosing = false;
  web.addHook('preClose', async () => {
    isClosing = true;
  });
  // A request that began before the shutdown: its kept-alive connection would delay the shutdown.
  web.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close');
  });
  // Before the first byte of any answer. Probes are exempt: if the disk stalls, a supervisor must not restart the
  // server.
  web.addHook('onSend', async (request) => {
    const opened = usageOf(request.raw)?.open();
    if (surfaceOf(request) !== '') await opened;
  });
  web.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? '';
    const surface = surfaceOf(request);
    metrics.request(surface, route, reply.statusCode, problemCodes.get(request) ?? '');
    // Health checks and scrapes come every few seconds; the sink `log` reports the other requests.
    logger[surface === '' || usage?.hasSink('log') === true ? 'debug' : 'info'](
      {
        rid: request.id,
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'request',
    );
  });
  web.setErrorHandler((error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const problem = fastifyProblem(error) ?? problemOf(error);
    if (problem.status === 500) logger.error({ err: error, rid: request.id }, 'request failed');
    problemCodes.set(request, problem.code);
    noteRefusal(request.raw, problem.code);
    return sendProblem(reply, request.id, problem);
  });
  web.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    problemCodes.set(request, 'not_found');
    return sendProblem(reply, request.id, new Problem('not_found', `nothing at ${path.slice(0, 200)}`));
  });
  const routes = collectRoutes(web);
  addRoutes(web);
  refuseOtherMethods(web, routes);
  return web;
}

/**
 * Called once all routes exist: answers 405 if a path exists but not the method (RFC 9110, section 15.5.6), and OPTIONS
 * with the existing methods.
 * @param routes the methods of each path, collected from Fastify's onRoute
 */
function refuseOtherMethods(web: FastifyInstance, routes: ReadonlyMap<string, KnownPath>): void {
  for (const [url, { methods, surface: name, crossOrigin }] of [...routes]) {
    const allow = [...methods].filter((method) => method !== 'HEAD').join(', ');
    const declared = surface(name, crossOrigin);
    web.route({
      method: METHODS.filter((method) => !methods.has(method)),
      url,
      ...declared,
      handler: () => {
        throw new Problem('method_not_allowed', `only ${allow} here`, { headers: { allow } });
      },
    });
    if (methods.has('OPTIONS')) continue;
    web.options(url, declared, async (request, reply) => {
      const headers = crossOrigin?.preflightHeaders(request.raw) ?? { allow: `${allow}, OPTIONS` };
      return await reply.code(204).headers(headers).send();
    });
  }
}

/** The methods of a path. */
interface KnownPath {
  readonly methods: Set<string>;
  readonly surface: Surface | null;
  crossOrigin: CrossOrigin | undefined;
}

/** The surface of a route; empty for probes and unknown paths. */
function surfaceOf({ routeOptions }: FastifyRequest): string {
  return routeOptions.config.surface ?? '';
}

function collectRoutes(web: FastifyInstance): Map<string, KnownPath> {
  const routes = new Map<string, KnownPath>();
  web.addHook('onRoute', (route) => {
    const { url, method, handler, config } = route;
    if (config?.surface === undefined) throw new Error(`the route ${url} declares no surface`);
    const known: KnownPath = routes.get(url) ?? {
      methods: new Set(),
      surface: config.surface,
      crossOrigin: undefined,
    };
    for (const one of [method].flat()) known.methods.add(one);
    known.crossOrigin ??= config.crossOrigin;
    routes.set(url, known);
    // Work that a handler does after its client has disconnected still belongs to the request.
    route.handler = async function (request, reply) {
      const release = usageOf(request.raw)?.hold();
      try {
        return await handler.call(this, request, reply);
      } finally {
        releaseBody(request.raw);
        release?.();
      }
    };
  });
  return routes;
}

/** Converts errors that Fastify raises to problems. */
function fastifyProblem(error: unknown): Problem | null {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number')
    return null;
  if ('code' in error && error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new Problem('invalid_request', 'Content-Type is not a media type', {
      hint: 'send one such as application/json',
    });
  }
  if (error.statusCode >= 400 && error.statusCode < 500) {
    return new Problem('invalid_request', 'the request cannot be read');
  }
  return null;
}

function sendProblem(reply: FastifyReply, requestId: string, problem: WeirError): FastifyReply {
  return reply.code(problem.status).headers(problemHeaders(problem)).send(problemBody(problem, requestId));
}
