/** Answers MCP messages of an authenticated caller. Uses the protocol library, and is independent of Fastify. */
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

/** Dependencies of the endpoint. */
export interface McpEndpointParts {
  /** Returns the read path for each call; throws a Problem if this server has none. */
  readonly query: () => QueryService;
  readonly logger: Logger;
  /** The page for payment; null if the host has none. */
  readonly upgradeUrl: string | null;
}

/** One POST. */
export interface McpPost {
  readonly caller: McpCaller;
  /** Called before each tool call. */
  readonly admit: () => Admission | Promise<Admission>;
  /** Called once for a POST that has requests but no tool call. Throws a Problem to refuse it. */
  readonly admitOther: () => void | Promise<void>;
  /** The record of the request; undefined if usage is switched off. */
  readonly usage: RequestRecord | undefined;
  /** The id of the HTTP request, for the log. */
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Aborts when the client has disconnected or the server stops. */
  readonly signal: AbortSignal;
}

/** Maximum messages of one JSON-RPC batch, which revision 2025-03-26 allows. */
const MAX_BATCH = 20;
const SESSION_HEADER = 'mcp-session-id';
/** The body to pass for invalid JSON, which the library rejects. */
const NOT_JSON = '?';
const ANY_URL = 'http://mcp.invalid/mcp';

/** Answers requests, each with a new MCP server. */
export class McpEndpoint {
  readonly #parts: McpEndpointParts;
  readonly #cancellations = new Cancellations();

  constructor(parts: McpEndpointParts) {
    this.#parts = parts;
  }

  /** @throws Problem 400 `invalid_request` for a batch that is too long; all other errors are in the answer */
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
      // The lists do not change while a client listens, so there is nothing to subscribe to.
      maxSubscriptions: 0,
      onerror: (error) => this.#parts.logger.debug({ err: error, rid }, 'mcp'),
    });
    const request = new Request(ANY_URL, {
      method: 'POST',
      headers: protocolHeaders(headers),
      // The library gets the parsed message; for invalid JSON it only needs an invalid body.
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
 * Whether there are requests, such as `initialize` or `tools/list`, but no tool call; tool calls are admitted
 * separately. Notifications have no id and need no admission.
 */
function asksForOtherThanTools(message: unknown): boolean {
  const methods = [message]
    .flat()
    .flatMap((one: unknown) =>
      typeof one === 'object' && one !== null && 'id' in one && 'method' in one ? [one.method] : [],
    );
  return methods.length > 0 && !methods.includes('tools/call');
}

/** The headers that the protocol uses; never a credential. */
function protocolHeaders(headers: IncomingHttpHeaders): Headers {
  const some = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    const isProtocol = name.startsWith('mcp-') || name === 'accept' || name === 'content-type';
    if (isProtocol && typeof value === 'string') some.set(name, value);
  }
  return some;
}

/** The parsed message; undefined for invalid JSON, which the protocol library rejects. */
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
