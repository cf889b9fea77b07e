/** The Fastify application every route but ingest lives in: request ids, problem documents, one log line a request. */
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

/** Serves some requests before Fastify sees them. */
interface FrontHandler {
  serves(request: IncomingMessage): boolean;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
/** Longest time a request with its body may take to arrive; a body that is slow ends sooner, see open-bodies. */
const REQUEST_TIMEOUT_MS = 600_000;

const ENDS_CONNECTION = { connection: 'close' } as const;
/** Longest parameter in a path, characters: Node accepts no longer head of a request. */
const MAX_PARAM_LENGTH = 16 * 1024;

/** No route declares a schema for Fastify: parse.ts checks input, and routes write their own JSON. */
function refuseSchema(): never {
  throw new Error('declare no schema on a route: check input with parseInput');
}

/** What the application is made of. */
export interface WebParts {
  /** Gets its requests before Fastify sees them. */
  readonly front: FrontHandler;
  readonly connections: ConnectionLimit;
  readonly hosts: HostGuard;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Records every request; null where that is switched off. */
  readonly usage: UsageService | null;
}

/** Answers a request that no route sees. A connection stays open, unless `headers` say otherwise. */
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
 * Makes the application.
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
        // Where the next request begins may be unclear.
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
        // A missing Host is refused above, with a problem document.
        { keepAliveTimeout: 65_000, requestTimeout: REQUEST_TIMEOUT_MS, requireHostHeader: false },
        door,
      );
      serveWaiting(server, door);
      routeUpgrades(server, door);
      refuseConnect(server);
      server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
        if (usage !== null) beginUsage(usage, request, response);
        const problem = new Problem('invalid_request', 'no expectation but 100-continue can be met', {
          status: 417,
        });
        void refuse(request, response, problem, metrics, ENDS_CONNECTION);
      });
      connections.guard(server);
      return server;
    },
    clientErrorHandler: onClientError,
    // Without factories of its own, Fastify loads the compilers of schemas at each start: 110 files, 25 ms of CPU.
    schemaController: { compilersFactory: { buildValidator: refuseSchema, buildSerializer: refuseSchema } },
    genReqId: requestIdOf,
    // A receipt names each part of a large batch: with the default of 100 characters, those of three parts had no route.
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    forceCloseConnections: 'idle',
    // A request that comes too late is answered like every other refusal, by the admission gate.
    return503OnClosing: false,
    // Before any route or hook.
    frameworkErrors: (_error, request, reply) => {
      const problem = new Problem('invalid_request', 'the path of the URL cannot be read');
      reply.header(REQUEST_ID_HEADER, request.id);
      problemCodes.set(request, problem.code);
      void (usageOf(request.raw)?.open() ?? Promise.resolve()).then(() =>
        sendProblem(reply, request.id, problem),
      );
    },
  });
  // A route reads its body once it has checked the credential, see body/body-reader.
  web.removeAllContentTypeParsers();
  web.addContentTypeParser('*', (_request, _payload, done) => done(null));
  web.addHook('onRequest', async (request, reply) => {
    reply.header(REQUEST_ID_HEADER, request.id);
    const route = request.routeOptions.url;
    if (route === undefined) return;
    // Before the credential is looked at: a page must be able to read a refusal.
    request.routeOptions.config.crossOrigin?.mark(request.raw, reply.raw);
    const src = route === '/mcp' ? 'mcp' : 'http';
    usageOf(request.raw)?.route(src, stackOf(surfaceOf(request), request.raw, route));
  });
  let isClosing = false;
  web.addHook('preClose', async () => {
    isClosing = true;
  });
  // A request that began before the server stops: its client would keep the connection, and hold up the shutdown.
  web.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close');
  });
  // Before the first byte of any answer. Probes get theirs also while the disk does not answer: a supervisor would restart the
  // server for it.
  web.addHook('onSend', async (request) => {
    const opened = usageOf(request.raw)?.open();
    if (surfaceOf(request) !== '') await opened;
  });
  web.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? '';
    const surface = surfaceOf(request);
    metrics.request(surface, route, reply.statusCode, problemCodes.get(request) ?? '');
    // Health checks and scrapes come every few seconds and say nothing new; the sink `log` says it of the others.
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
 * Once all routes stand: answers 405 where a path exists and the method does not (RFC 9110 section 15.5.6), and OPTIONS with the
 * methods that do.
 * @param routes what each path has, as collected from Fastify's onRoute
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

/** What a path has. */
interface KnownPath {
  readonly methods: Set<string>;
  readonly surface: Surface | null;
  crossOrigin: CrossOrigin | undefined;
}

/** The surface that a route declares; empty for probes and unknown paths. */
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
    // What a handler does after its client has left belongs to the request all the same.
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

/** Problems Fastify itself finds with a request. */
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
