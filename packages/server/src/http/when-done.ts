import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Callbacks that wait for responses, by connection. */
const waiting = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls `done` once, when the response was sent completely or the client has disconnected. The response's own "close"
 * event does not suffice: with pipelining, a response that waits for its turn gets no event when the connection breaks.
 */
export function whenDone(request: IncomingMessage, response: ServerResponse, done: () => void): void {
  const { socket } = request;
  if (response.closed || response.destroyed || socket.destroyed) {
    done();
    return;
  }
  const ofConnection = waiting.get(socket) ?? watch(socket);
  const once = (): void => {
    if (ofConnection.delete(once)) done();
  };
  ofConnection.add(once);
  // `once` would allocate a wrapper for each request.
  response.on('close', once);
}

function watch(socket: Socket): Set<() => void> {
  const ofConnection = new Set<() => void>();
  waiting.set(socket, ofConnection);
  socket.once('close', () => {
    for (const once of [...ofConnection]) once();
  });
  return ofConnection;
}
