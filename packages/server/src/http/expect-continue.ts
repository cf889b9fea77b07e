/**
 * `Expect: 100-continue`: the client waits with its body until it is asked for it (RFC 9110 section 10.1.1). It is asked when the
 * route begins to read, so that a refusal costs no body.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';

const waiting = new WeakMap<IncomingMessage, ServerResponse>();

/** Serves requests that wait like all others. */
export function serveWaiting(server: Server, serve: RequestListener): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    waiting.set(request, response);
    // After a refusal the client may send its body or not: the connection cannot be used again.
    response.setHeader('connection', 'close');
    serve(request, response);
  });
}

/** Asks for the body, if the client waits for that. */
export function askForBody(request: IncomingMessage): void {
  const response = waiting.get(request);
  if (response === undefined) return;
  waiting.delete(request);
  response.removeHeader('connection');
  response.writeContinue();
}
