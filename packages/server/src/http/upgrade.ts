/**
 * Routes and refuses WebSocket requests like all others; the route that accepts one gets the connection here. Node
 * emits every request with an upgrade offer once a listener exists, including offers of HTTP/2 in clear text (RFC 9110,
 * section 7.8: an offer may be ignored). Those are parsed again without the offer.
 */
import { type IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { latestResponse } from './front-door.js';

const upgrades = new WeakMap<IncomingMessage, Buffer>();

/** Lets `handle` serve WebSocket requests too. If no route accepts one, it is answered and the connection ends. */
export function routeUpgrades(server: Server, handle: RequestListener): void {
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    // The cast holds: the server listens on TCP.
    const socket = stream as Socket;
    // Node has removed its own listener, and an error without a listener would end the process.
    socket.on('error', destroyOnError);
    const earlier = latestResponse(socket);
    if (earlier === undefined || earlier.closed) serve(request, socket, head);
    // The answers to earlier pipelined requests use the connection until they are complete.
    else earlier.once('close', () => serve(request, socket, head));
  });

  const serve = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    if (socket.destroyed) return;
    if (request.method !== 'GET' || request.headers.upgrade?.toLowerCase() !== 'websocket') {
      // The server listens for errors again; a client may offer a protocol with each of its requests.
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

/** The bytes after the head of a WebSocket request; null for any other request. */
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
