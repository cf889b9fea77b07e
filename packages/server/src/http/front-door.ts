/**
 * The entry of every request. Requests that arrive together, such as those of a client that sends thousands without
 * reading answers, are handled in several turns of the event loop; connections are served in rotation.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { hasRoom, later } from '@weir/base';
import { watchChunks } from './body/tiny-chunks.js';

/** Maximum unanswered requests of one connection (pipelining, RFC 9112, section 9.3.2). */
const MAX_PIPELINED = 16;

/**
 * The latest response of a connection. A property, because the garbage collector spends more on a weak map that changes
 * with each request.
 */
const LATEST = Symbol('latest response');
interface TrackedSocket extends Socket {
  [LATEST]?: ServerResponse;
}

/** The response to the latest request of a connection; undefined before the first. */
export function latestResponse(socket: Socket): ServerResponse | undefined {
  // The cast holds: only this module sets the property.
  return (socket as TrackedSocket)[LATEST];
}

/**
 * Wraps a request listener.
 * @param onRequest called with every request before it is handled
 */
export function frontDoor(
  serve: RequestListener,
  onRequest: (request: IncomingMessage) => void,
): RequestListener {
  const pipelined = new WeakMap<Socket, number>();
  return (request, response) => {
    // The cast holds: the property is this module's own.
    const socket = request.socket as TrackedSocket;
    const before = socket[LATEST];
    socket[LATEST] = response;
    if (before !== undefined && !before.writableFinished && !before.closed) {
      const count = (pipelined.get(socket) ?? 1) + 1;
      if (count > MAX_PIPELINED) {
        // Close without an answer: the client would match a refusal to an earlier request.
        socket.destroy();
        return;
      }
      pipelined.set(socket, count);
      response.once('close', () => pipelined.set(socket, (pipelined.get(socket) ?? 2) - 1));
    }
    onRequest(request);
    if (request.headers['transfer-encoding'] !== undefined) watchChunks(request);
    if (hasRoom(socket)) serve(request, response);
    else later(socket, () => serveLater(serve, request, response));
  };
}

function serveLater(serve: RequestListener, request: IncomingMessage, response: ServerResponse): void {
  if (!request.socket.destroyed) serve(request, response);
}
