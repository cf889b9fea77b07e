import type { IncomingMessage, ServerResponse } from 'node:http';
import { readLater } from './read-turns.js';
import { hasTinyChunks, onTinyChunks } from './tiny-chunks.js';

/** How long a client may continue sending after a refusal, milliseconds. */
const LINGER_MS = 5_000;
/** Maximum bytes of a refused body that are still read. */
const MAX_DROPPED_BYTES = 64 * 1024 * 1024;

/**
 * Continues to read and discard a request that was answered before its end. A client whose connection breaks while it
 * sends does not see the answer.
 */
export function dropRest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  let dropped = 0;
  request.removeAllListeners('data');
  request.on('data', ({ length }: Buffer) => {
    dropped += length;
    if (dropped > MAX_DROPPED_BYTES) request.destroy();
    else readLater(request);
  });
  // If tiny chunks were detected before, nothing more may be read, and the answer is still to be sent.
  if (!hasTinyChunks(request)) {
    onTinyChunks(request, () => request.destroy());
    request.resume();
  }
  const patience = setTimeout(() => request.destroy(), LINGER_MS).unref();
  request.once('close', () => clearTimeout(patience));
  request.once('end', () => clearTimeout(patience));
}

/**
 * Bounds the unread rest of a body. Call it before the request is handled: at `finish` of the response, Node would read
 * the rest itself, without a bound.
 */
export function boundUnread(request: IncomingMessage, response: ServerResponse): void {
  if (announcesBody(request)) response.on('prefinish', () => dropRest(request));
}

/** Whether a request announces a body (RFC 9112, section 6). */
export function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
