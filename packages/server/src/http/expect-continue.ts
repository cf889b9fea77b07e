/**
 * `Expect: 100-continue`: the client waits with its body until the server requests it (RFC 9110, section 10.1.1). The
 * server requests it when the route starts to read, so that a refusal costs no body.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';

const waiting = new WeakMap<IncomingMessage, ServerResponse>();

/** Serves waiting requests like all others. */
export function serveWaiting(server: Server, serve: RequestListener): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    waiting.set(request, response);
    // After a refusal the client may or may not send its body, so the connection cannot be reused.
    response.setHeader('connection', 'close');
    serve(request, response);
  });
}

/** Requests the body, if the client waits for that. */
export function askForBody(request: IncomingMessage): void {
  const response = waiting.get(request);
  if (response === undefined) return;
  waiting.delete(request);
  response.removeHeader('connection');
  response.writeContinue();
}
