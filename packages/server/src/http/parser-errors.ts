/** Answers errors of Node's HTTP parser with problem documents, like every other refusal. */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { latestResponse } from './front-door.js';
import { Problem } from './problem.js';
import { endWithProblem } from './raw-answer.js';

/**
 * How long a refused client may continue sending: it would not see the answer if the connection broke while it sends.
 */
const LINGER_MS = 1_000;

/** Handles `clientError` of a server. */
export function onClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  // An unfinished answer cannot be followed by another: the client would read both as one.
  const isAnswering =
    latestResponse(socket)?.headersSent === true && !latestResponse(socket)?.writableFinished;
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) {
    socket.destroy();
    return;
  }
  socket.on('error', () => socket.destroy());
  endWithProblem(socket, problemOfParser(error.code));
  socket.resume();
  const patience = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(patience));
}

/** Answers the method CONNECT, for which Node closes the connection without an answer. */
export function refuseConnect(server: Server): void {
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => socket.destroy());
    endWithProblem(
      socket,
      new Problem('method_not_allowed', 'this server is not a proxy: CONNECT is not allowed'),
    );
  });
}

function problemOfParser(code: string | undefined): Problem {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem('request_timeout', 'the request did not arrive completely in time', {
        hint: 'send the whole head of a request at once, and its body without long pauses',
      });
    case 'HPE_HEADER_OVERFLOW':
      return new Problem('headers_too_large', 'the head of the request is larger than 16 KiB', {
        hint: 'send fewer or smaller headers',
      });
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Problem('body_too_large', 'the extensions of a chunk are too large');
    default:
      return new Problem('invalid_request', 'the request is not valid HTTP', {
        hint: 'see RFC 9112; over TLS, talk to the proxy in front of this server',
      });
  }
}
