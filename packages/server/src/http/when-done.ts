import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What waits for responses of each connection. */
const waiting = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls `done` once, when the response has been sent whole or its client has left. A response's own "close" does not
 * tell: where a client sends requests before it has the answers to earlier ones, those that still wait for their turn
 * hear nothing of a connection that breaks.
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
  // `once` would cost a wrapper a request.
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
