/**
 * Requests that ask for a WebSocket, routed and refused like any other: the route that takes one finds what it needs here.
 * Node hands over every request that asks for another protocol once somebody listens, among them those of clients that
 * offer HTTP/2 in clear text with each request (RFC 9110 section 7.8: an offer may be ignored). Those are read anew
 * without the offer.
 */
import { type IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { latestResponse } from './front-door.js';

const upgrades = new WeakMap<IncomingMessage, Buffer>();

/** Has `handle` serve requests for a WebSocket too. Without one that takes it they are answered, and the connection ends. */
export function routeUpgrades(server: Server, handle: RequestListener): void {
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    // The cast holds: the server listens on TCP.
    const socket = stream as Socket;
    // Nobody else listens now, and an error without a listener would end the process.
    socket.on('error', destroyOnError);
    const earlier = latestResponse(socket);
    if (earlier === undefined || earlier.closed) serve(request, socket, head);
    // Sent before the answers to earlier requests (pipelining): those use the connection until they are whole.
    else earlier.once('close', () => serve(request, socket, head));
  });

  const serve = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    if (socket.destroyed) return;
    if (request.method !== 'GET' || request.headers.upgrade?.toLowerCase() !== 'websocket') {
      // The server listens again; a client may offer a protocol with each of its requests.
      socket.off('error', destroyOnError);
      readAnew(server, request, socket, head);
      return;
    }
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on('finish', () => socket.end());
    upgrades.set(request, head);
    handle(request, response);
  };
}

function destroyOnError(this: Socket): void {
  this.destroy();
}

/** What came behind the head of a request for a WebSocket; null for any other request. */
export function upgradeOf(request: IncomingMessage): Buffer | null {
  return upgrades.get(request) ?? null;
}

function readAnew(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${rawHeaders[i + 1]}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}
