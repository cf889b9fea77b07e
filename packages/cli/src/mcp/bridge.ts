/**
 * Forwards MCP messages between a client on standard input and output and the server's /mcp, in the client's protocol
 * revision. The bridge knows no tools; they exist only on the server.
 */
import { type JSONRPCMessage, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { CliError } from '../cli-error.js';
import type { CliContext } from '../invocation.js';
import { serverFetch } from './server-fetch.js';

/** JSON-RPC code range for implementation errors. */
const SERVER_ERROR = -32_000;

/** The server to forward to. */
export interface BridgeTarget {
  /** The server's URL without a trailing slash. */
  readonly server: string;
  /** API key. */
  readonly key: string;
}

type RequestId = string | number;

/**
 * Runs until standard input has ended and every request is answered.
 * @param report called for connection problems, because MCP clients show little of an error
 */
export async function bridge(
  { server, key }: BridgeTarget,
  { stdin, stdout }: Pick<CliContext, 'stdin' | 'stdout'>,
  report: (error: CliError) => void,
): Promise<void> {
  const here = new StdioServerTransport(stdin, stdout);
  const there = new StreamableHTTPClientTransport(new URL(`${server}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${key}` } },
    fetch: serverFetch(server),
    onInsufficientScope: 'throw',
  });
  const running = new Map<RequestId, { readonly controller: AbortController; readonly method: string }>();

  // A client may still read responses after it has closed its input.
  const answer = (message: JSONRPCMessage) => void stdout.write(`${JSON.stringify(message)}\n`);
  let answered = () => {};
  const fail = (id: RequestId, cause: unknown) => {
    const request = running.get(id);
    running.delete(id);
    answered();
    if (request === undefined || request.controller.signal.aborted) return;
    const error = CliError.from(cause);
    report(error);
    const { hint } = error;
    const status = error.status === 0 ? undefined : error.status;
    const message = hint === undefined ? error.message : `${error.message}. ${hint}`;
    const data = { code: error.code, status, retryable: error.retryable };
    answer({ jsonrpc: '2.0', id, error: { code: SERVER_ERROR, message, data } });
  };

  there.onmessage = (message) => {
    if ('id' in message && message.id !== undefined && !('method' in message)) {
      if ('result' in message && running.get(message.id)?.method === 'initialize') {
        const { protocolVersion } = message.result;
        // Later requests of this revision must name it in a header.
        if (typeof protocolVersion === 'string') there.setProtocolVersion(protocolVersion);
      }
      running.delete(message.id);
    }
    answer(message);
    answered();
  };
  here.onmessage = (message) => {
    if (!('method' in message)) return;
    if (!('id' in message)) {
      const id = cancelledBy(message);
      if (id === null) void there.send(message).catch((error: unknown) => report(CliError.from(error)));
      // In every revision of this server, closing the connection cancels the request.
      else running.get(id)?.controller.abort();
      return;
    }
    const { id, method } = message;
    const controller = new AbortController();
    running.set(id, { controller, method });
    const onRequestStreamEnd = () => fail(id, new Error('the server ended the connection without an answer'));
    void there
      .send(message, { requestSignal: controller.signal, onRequestStreamEnd })
      .catch((error: unknown) => fail(id, error));
  };
  const ended = new Promise<void>((resolve) => {
    here.onclose = resolve;
  });
  await there.start();
  await here.start();
  await ended;
  await new Promise<void>((resolve) => {
    answered = () => {
      if (running.size === 0) resolve();
    };
    answered();
  });
  await there.close();
}

/** The request that a notification cancels; null for other notifications. */
function cancelledBy({ method, params }: { method: string; params?: object | undefined }): RequestId | null {
  if (method !== 'notifications/cancelled' || params === undefined || !('requestId' in params)) return null;
  const { requestId } = params;
  return typeof requestId === 'string' || typeof requestId === 'number' ? requestId : null;
}
