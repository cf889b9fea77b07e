/**
 * Every request goes through here. Requests that arrive together, such as those of a client that sends thousands without
 * reading an answer, are handled in several turns of the event loop; connections take turns.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { hasRoom, later } from '@weir/base';
import { announcesBody, dropRest } from './body/drop-rest.js';
import { watchChunks } from './body/tiny-chunks.js';

/** Requests of one connection that may be unanswered at one time (RFC 9112 section 9.3.2, pipelining). */
const MAX_PIPELINED = 16;

/**
 * Wraps a request listener.
 * @param onRequest called with every request before it is handled
 */
export function frontDoor(
  serve: RequestListener,
  onRequest: (request: IncomingMessage) => void,
): RequestListener {
  const unanswered = new WeakMap<Socket, number>();
  return (request, response) => {
    const { socket } = request;
    const count = (unanswered.get(socket) ?? 0) + 1;
    if (count > MAX_PIPELINED) {
      // Close without an answer: the client would take a refusal for the answer to an earlier request.
      socket.destroy();
      return;
    }
    unanswered.set(socket, count);
    response.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    onRequest(request);
    // What the route has not read of a body is bounded too. At `finish` Node would already read it, without a bound.
    if (announcesBody(request)) {
      if (request.headers['transfer-encoding'] !== undefined) watchChunks(request);
      response.on('prefinish', () => dropRest(request));
    }
    if (hasRoom(socket)) serve(request, response);
    else later(socket, () => serveLater(serve, request, response));
  };
}

function serveLater(serve: RequestListener, request: IncomingMessage, response: ServerResponse): void {
  if (!request.socket.destroyed) serve(request, response);
}
