/**
 * POST /api/v1/ingest/events, on bare node:http: this route carries nearly all traffic of a server, and the overhead of
 * a framework would exceed all other work before the log.
 *
 *     body cap ─ token ─ origin ─ admission ─ flags ─ body ─ decode and validate ─ submit ─ answer
 *
 * A token in the body is only known after the body was read. Such a body is small; the order of the other steps stays
 * the same.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Credentials, IngestTokenFound } from '@weir/accounts';
import { deadline, defined, type Logger, Slice, turnNumber } from '@weir/base';
import {
  type BodyFormat,
  decodeBatch,
  type Envelope,
  IngestError,
  type IngestService,
  readEnvelope,
  type ValidationError,
} from '@weir/ingest';
import type { RequestRecord } from '@weir/usage';
import type { TenantGate } from '../admission/tenant-gate.js';
import { bearerOf } from '../http/bearer.js';
import { type BodyLimits, type BodyReader, checkDeclaredLength } from '../http/body/body-reader.js';
import { dropRest } from '../http/body/drop-rest.js';
import type { CrossOrigin } from '../http/cors.js';
import { wrongKind } from '../http/credential-kind.js';
import type { MemoryShare } from '../http/memory-budget.js';
import { Problem, problemBody, problemHeaders } from '../http/problem.js';
import { problemOf } from '../http/problem-of.js';
import { REQUEST_ID_HEADER, requestIdOf } from '../http/request-id.js';
import type { Metrics } from '../operations/metrics.js';
import { noteRefusal, stackOf, usageOf } from '../usage/request-usage.js';

/** The route. */
const INGEST_PATH = '/api/v1/ingest/events';

const TOKEN_PREFIX = 'weir_pub_';
const MAX_WAIT_MS = 10_000;
const ERRORS_A_PIECE = 500;
const SMALLER_BATCHES = 'send several smaller batches';
/** Limits of a request with its token in the body: the maximum that browsers send by `sendBeacon`. */
const WITHOUT_TOKEN: BodyLimits = { maxBytes: 64 * 1024, hint: 'send the token in the Authorization header' };

/** Dependencies of the endpoint. */
export interface IngestEndpointDependencies {
  readonly service: IngestService;
  readonly credentials: Credentials;
  readonly gate: TenantGate;
  readonly origins: CrossOrigin;
  readonly logger: Logger;
  /** Maximum body in bytes, compressed or not. */
  readonly maxBodyBytes: number;
  readonly bodies: BodyReader;
  readonly metrics: Metrics;
}

interface Answer {
  readonly status: number;
  /** JSON. */
  readonly text: string;
}

/** A body after it was read. */
interface Work {
  readonly envelope: Envelope;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
  readonly slice: Slice;
  readonly share: MemoryShare;
  /** Whether the client waits until its events are stored. */
  readonly waits: boolean;
}

/** Serves the route. */
export class IngestEndpoint {
  readonly #d: IngestEndpointDependencies;
  readonly #limits: BodyLimits;

  constructor(dependencies: IngestEndpointDependencies) {
    this.#d = dependencies;
    this.#limits = { maxBytes: dependencies.maxBodyBytes, hint: SMALLER_BATCHES };
  }

  /** Whether a request is for this route. */
  serves(request: IncomingMessage): boolean {
    const { url = '' } = request;
    return (
      url.startsWith(INGEST_PATH) && (url.length === INGEST_PATH.length || url[INGEST_PATH.length] === '?')
    );
  }

  /** Answers a request. Never throws. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const usage = usageOf(request);
    usage?.route('http', stackOf('ingest', request, INGEST_PATH));
    // Events may be accepted after their client has disconnected.
    const release = usage?.hold();
    try {
      await this.#handle(request, response, usage);
    } finally {
      release?.();
    }
  }

  async #handle(
    request: IncomingMessage,
    response: ServerResponse,
    usage: RequestRecord | undefined,
  ): Promise<void> {
    const { origins, logger, metrics, service } = this.#d;
    if (request.method === 'OPTIONS') {
      await usage?.open();
      origins.preflight(request, response);
      return;
    }
    const requestId = requestIdOf(request);
    response.setHeader(REQUEST_ID_HEADER, requestId);
    origins.mark(request, response);
    try {
      const { status, text } = await this.#answer(request, response);
      // If events were accepted, the record was committed to the log with them.
      if (usage?.isOpen === false) await usage.open();
      metrics.request('ingest', INGEST_PATH, status, '');
      if (service.flags.draining) endConnection(response);
      send(response, status, { 'content-type': 'application/json' }, text);
    } catch (error) {
      if (error instanceof Problem && error.code === 'client_gone') return;
      const problem = problemOf(error);
      metrics.request('ingest', INGEST_PATH, problem.status, problem.code);
      if (problem.code === 'internal') logger.error({ err: error, rid: requestId }, 'ingest request failed');
      else
        logger.debug(
          { rid: requestId, code: problem.code, status: problem.status },
          'ingest request refused',
        );
      const body = problemBody(problem, requestId);
      noteRefusal(request, problem.code);
      await usage?.open();
      dropRest(request);
      if (service.flags.draining) endConnection(response);
      send(response, problem.status, problemHeaders(problem), body);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<Answer> {
    const { service, bodies } = this.#d;
    if (request.method !== 'POST') {
      throw new Problem('method_not_allowed', 'events are sent by POST', {
        headers: { allow: 'POST, OPTIONS' },
      });
    }
    const begun = turnNumber();
    const query = queryOf(request);
    const waits = waitsFor(query);
    const given = bearerOf(request) ?? query.get('token');
    const limits = given === null ? WITHOUT_TOKEN : this.#limits;
    checkDeclaredLength(request, limits);
    let token = given === null ? null : await this.#admit(request, response, given);
    const owner = token?.projectId ?? bodies.ownerOf(request);
    const share = token === null ? bodies.shareWithoutToken(owner) : bodies.share(owner);
    try {
      const body = await bodies.bytes(request, owner, share, limits);
      const receivedAt = Date.now();
      const slice = new Slice({ owner });
      // A request that has not waited yet continues in its current turn.
      if (turnNumber() !== begun) await slice.enter();
      const envelope = await readEnvelope(body, formatOf(request), service.options.eventBuffer, slice);
      token ??= await this.#admit(request, response, envelope.token);
      const work = { envelope, receivedAt, slice, share, waits };
      return await this.#submit(token, work, usageOf(request));
    } finally {
      share.release();
    }
  }

  /** Returns the project's token after all checks that can refuse a request before its events are read. */
  async #admit(
    request: IncomingMessage,
    response: ServerResponse,
    plaintext: string | null,
  ): Promise<IngestTokenFound> {
    const { credentials, service, origins, gate } = this.#d;
    const found = plaintext?.startsWith(TOKEN_PREFIX) ? credentials.lookupIngestToken(plaintext) : null;
    const token = found instanceof Promise ? await found : found;
    if (token === null) {
      const detail = wrongKind(plaintext, 'an ingest token (weir_pub_…)', 'no valid ingest token');
      throw new Problem('unauthorized', detail, {
        hint: 'send "Authorization: Bearer weir_pub_…", or the token in the body or as ?token=',
        headers: { 'www-authenticate': 'Bearer realm="weir"' },
      });
    }
    usageOf(request)?.identify(token.projectId, token.tokenId);
    const { origin } = request.headers;
    if (origin !== undefined && !(origins.allows(origin) && isAllowed(token, origin))) {
      throw new Problem(
        'origin_not_allowed',
        `pages of ${origin.slice(0, 200)} may not send with this token`,
      );
    }
    const admitted = gate.admit(request, response, 'ingest', token);
    if (admitted !== undefined) await admitted;
    const refusal = service.refusal();
    if (refusal !== null) throw refusal;
    return token;
  }

  async #submit(
    { projectId }: IngestTokenFound,
    { envelope, receivedAt, slice, share, waits }: Work,
    usage: RequestRecord | undefined,
  ): Promise<Answer> {
    const { service } = this.#d;
    const onGroup = (bytes: number): void => share.take(bytes);
    const { valid, rejected, ignoredIds } = await decodeBatch(envelope, receivedAt, slice, onGroup);
    if (ignoredIds > 0) this.#d.metrics.ignoredIds(ignoredIds);
    const errors = rejected.length === 0 ? '' : `,"errors":${await errorsText(rejected, slice)}`;
    const answer = (status: number, accepted: number, duplicates: number, more = ''): Answer => ({
      status,
      text: `{"accepted":${accepted},"duplicates":${duplicates},"rejected":${rejected.length}${errors}${more}}`,
    });
    if (valid.length === 0) {
      this.#count(0, 0, rejected.length);
      return answer(200, 0, 0);
    }
    const options = { receivedAt, slice, ...defined({ companion: usage }) };
    const { accepted, duplicates, receipt } = await service.submit(projectId, valid, options);
    // The events are in the log, so a client that waits for ClickHouse holds no memory.
    share.release();
    usage?.accepted(accepted);
    this.#count(accepted, duplicates, rejected.length);
    if (receipt === null) return answer(202, accepted, duplicates);
    const signed = `,"receipt":${JSON.stringify(receipt)}`;
    if (!waits) return answer(202, accepted, duplicates, signed);
    const state = await this.#settledState(service, projectId, receipt);
    return answer(202, accepted, duplicates, `${signed},"state":"${state}"`);
  }

  #count(accepted: number, duplicates: number, rejected: number): void {
    const { metrics } = this.#d;
    metrics.ingested('accepted', accepted);
    metrics.ingested('duplicate', duplicates);
    metrics.ingested('rejected', rejected);
  }

  /**
   * The state of the receipt once the events are stored, or after the maximum wait; the events are accepted in both
   * cases.
   */
  async #settledState(service: IngestService, projectId: string, receipt: string): Promise<string> {
    const patience = deadline(MAX_WAIT_MS);
    try {
      return (await service.settled(projectId, receipt, patience.signal)).state;
    } catch (error) {
      if (error instanceof IngestError || problemOf(error).status === 503) return 'logged';
      throw error;
    } finally {
      patience.release();
    }
  }
}

/** The rejected events as JSON; a body can contain tens of thousands. */
async function errorsText(errors: readonly ValidationError[], slice: Slice): Promise<string> {
  let text = '[';
  for (let i = 0; i < errors.length; i += ERRORS_A_PIECE) {
    if (slice.isOver) await slice.next();
    const piece = JSON.stringify(errors.slice(i, i + ERRORS_A_PIECE));
    text += (i === 0 ? '' : ',') + piece.slice(1, -1);
  }
  return `${text}]`;
}

/** A kept-alive connection would delay the shutdown. */
function endConnection(response: ServerResponse): void {
  response.setHeader('connection', 'close');
}

function send(response: ServerResponse, status: number, headers: Record<string, string>, body: string): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function isAllowed({ allowedOrigins }: IngestTokenFound, origin: string): boolean {
  return allowedOrigins === null || allowedOrigins.some((one) => one.toLowerCase() === origin.toLowerCase());
}

function formatOf(request: IncomingMessage): BodyFormat {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  return type === 'application/x-ndjson' || type === 'application/ndjson' || type === 'application/jsonl'
    ? 'ndjson'
    : 'json';
}

/**
 * Whether the client waits until its events are stored. An unknown value is rejected: it would otherwise be answered
 * early, without notice.
 */
function waitsFor(query: URLSearchParams): boolean {
  const wait = query.get('wait');
  if (wait === null || wait === 'stored') return wait !== null;
  throw new Problem('invalid_request', 'wait: must be stored', {
    hint: 'send ?wait=stored to get the answer once the events can be queried, or omit wait',
  });
}

const NO_QUERY = new URLSearchParams();

function queryOf(request: IncomingMessage): URLSearchParams {
  const { url = '' } = request;
  return url.length === INGEST_PATH.length
    ? NO_QUERY
    : new URLSearchParams(url.slice(INGEST_PATH.length + 1));
}
