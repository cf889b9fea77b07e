import type { IncomingMessage } from 'node:http';

/** How long a client may go on sending after it was refused, milliseconds. */
const LINGER_MS = 5_000;
/** Of a refused body, so many bytes are still read. */
const MAX_DROPPED_BYTES = 64 * 1024 * 1024;

/** Chunks of which a body may have any size; the parser's work for each is the same whatever its size. */
const FREE_CHUNKS = 512;
const LEAST_CHUNK_BYTES = 16;

/** Whether a body comes in chunks so small (RFC 9112 section 7.1) that parsing them costs far more than its bytes. */
export function areTiny(chunks: number, bytes: number): boolean {
  return chunks > FREE_CHUNKS && bytes < chunks * LEAST_CHUNK_BYTES;
}

/**
 * Reads nothing more from the connection of a request. The parser goes on with the 64 KiB that it has read, which may be 10,000
 * chunks: Node passes them over once the message is marked as dumped, as it does itself with an unread body
 * (lib/_http_common.js, parserOnBody).
 */
export function ignoreRest(request: IncomingMessage): void {
  request.socket.pause();
  Object.assign(request, { _dumped: true });
}

/**
 * Reads on for a while, keeping nothing, after a request was answered before its end. A client whose connection breaks while
 * it sends does not see the answer.
 */
export function dropRest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  let dropped = 0;
  let chunks = 0;
  request.removeAllListeners('data');
  request.on('data', ({ length }: Buffer) => {
    dropped += length;
    chunks += 1;
    if (dropped <= MAX_DROPPED_BYTES && !areTiny(chunks, dropped)) return;
    ignoreRest(request);
    request.destroy();
  });
  request.resume();
  const patience = setTimeout(() => request.destroy(), LINGER_MS).unref();
  request.once('close', () => clearTimeout(patience));
  request.once('end', () => clearTimeout(patience));
}

/** Whether a request says that it has a body (RFC 9112 section 6). */
export function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** The client closed the connection before its request was whole. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}
