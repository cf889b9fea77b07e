/** Answers MCP messages of a caller who may ask. Knows the protocol's library, and nothing of Fastify. */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { createMcpHandler, isInitializeRequest, type McpServer } from '@modelcontextprotocol/server';
import type { Logger } from '@weir/base';
import type { QueryService } from '@weir/query';
import type { Admission, RequestRecord } from '@weir/usage';
import { jsonOf } from '../http/body/body-reader.js';
import { Problem } from '../http/problem.js';
import type { McpCaller } from './caller.js';
import { Cancellations } from './cancellations.js';
import { createMcpServer } from './server.js';
import { ToolCalls } from './tool-calls.js';

/** What the endpoint stands on. */
export interface McpEndpointParts {
  /** The read path, asked for by each call; throws a Problem where this server has none. */
  readonly query: () => QueryService;
  readonly logger: Logger;
  /** Where a person can pay; null where the host names no such place. */
  readonly upgradeUrl: string | null;
}

/** One POST. */
export interface McpPost {
  readonly caller: McpCaller;
  /** Asked before each tool call. */
  readonly admit: () => Admission | Promise<Admission>;
  /** Asked once for a POST that has requests, and no tool call among them. Throws a Problem where it is refused. */
  readonly admitOther: () => void | Promise<void>;
  /** The request's record; undefined where usage is switched off. */
  readonly usage: RequestRecord | undefined;
  /** The HTTP request's, for the log. */
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** Messages of one JSON-RPC batch, which revision 2025-03-26 allows. */
const MAX_BATCH = 20;
const SESSION_HEADER = 'mcp-session-id';
/** The library wants a URL and reads nothing from it. */
const NOT_JSON = '?';
const ANY_URL = 'http://mcp.invalid/mcp';

/** Answers, each from a server of its own. */
export class McpEndpoint {
  readonly #parts: McpEndpointParts;
  readonly #cancellations = new Cancellations();

  constructor(parts: McpEndpointParts) {
    this.#parts = parts;
  }

  /** @throws Problem 400 `invalid_request` for a batch that is too long; what else is wrong is in the answer */
  async respond(post: McpPost): Promise<Response> {
    const { caller, headers, body, id: rid, signal } = post;
    const message = await parsed(body, caller.projectId);
    if (Array.isArray(message) && message.length > MAX_BATCH) {
      throw new Problem('invalid_request', `a batch may hold ${MAX_BATCH} messages`, {
        limit: MAX_BATCH,
      });
    }
    if (asksForOtherThanTools(message)) await post.admitOther();
    const sessionId = sessionOf(headers);
    const handler = createMcpHandler(() => this.#serverFor(post, sessionId), {
      // Nothing here ever changes while a client listens, so there is nothing to subscribe to.
      maxSubscriptions: 0,
      onerror: (error) => this.#parts.logger.debug({ err: error, rid }, 'mcp'),
    });
    const request = new Request(ANY_URL, {
      method: 'POST',
      headers: protocolHeaders(headers),
      // The library reads the message; of a text that is not JSON it needs no more than that.
      body: message === undefined ? NOT_JSON : '{}',
      signal,
    });
    const response = await handler.fetch(request, message === undefined ? {} : { parsedBody: message });
    if (sessionId === null && isInitializeRequest(message))
      response.headers.set(SESSION_HEADER, randomUUID());
    return response;
  }

  #serverFor({ caller, admit, usage, id: requestId }: McpPost, sessionId: string | null): McpServer {
    const { query, upgradeUrl, logger } = this.#parts;
    const cancellations = this.#cancellations;
    const server = createMcpServer(
      new ToolCalls({ caller, sessionId, requestId, query, cancellations, admit, usage, upgradeUrl, logger }),
    );
    if (sessionId !== null) {
      server.server.setNotificationHandler('notifications/cancelled', ({ params }) => {
        if (params.requestId === undefined) return;
        cancellations.cancel({ tokenId: caller.tokenId, sessionId, requestId: params.requestId });
      });
    }
    return server;
  }
}

/**
 * Whether there are requests, such as `initialize` or `tools/list`, and none of them is a tool call, which is admitted by
 * itself. Notifications have no id and ask for nothing.
 */
function asksForOtherThanTools(message: unknown): boolean {
  const methods = [message]
    .flat()
    .flatMap((one: unknown) =>
      typeof one === 'object' && one !== null && 'id' in one && 'method' in one ? [one.method] : [],
    );
  return methods.length > 0 && !methods.includes('tools/call');
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

/** The message; undefined for what is not JSON, which the protocol's library refuses. */
async function parsed(body: Buffer, owner: string): Promise<unknown> {
  try {
    return await jsonOf(body, owner);
  } catch (error) {
    if (error instanceof Problem && error.code === 'invalid_json') return undefined;
    throw error;
  }
}

function sessionOf(headers: IncomingHttpHeaders): string | null {
  const given = headers[SESSION_HEADER];
  return typeof given === 'string' ? given : null;
}
