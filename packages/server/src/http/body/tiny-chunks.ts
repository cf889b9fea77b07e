/**
 * Detects bodies that arrive in chunks of a few bytes (RFC 9112, section 7.1). Parsing a chunk costs the same for any
 * size: three million chunks of one byte cost ten seconds of CPU. Chunks are counted at the parser's callback, because
 * a single read from the connection can contain 10,000 of them, before any handler can run.
 */
import type { IncomingMessage } from 'node:http';

/** The first chunks of a body, which may have any size. */
const FREE_CHUNKS = 512;
const LEAST_CHUNK_BYTES = 16;
const EVENT = 'weir:tiny-chunks';
const noticed = new WeakSet<IncomingMessage>();

/** Watches a request with a chunked body. Call it when the request begins. */
export function watchChunks(request: IncomingMessage): void {
  const push = request.push.bind(request);
  let chunks = 0;
  let bytes = 0;
  request.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
    if (chunk === null) return push(chunk, encoding);
    chunks += 1;
    bytes += chunk.length;
    if (chunks <= FREE_CHUNKS || bytes >= chunks * LEAST_CHUNK_BYTES) return push(chunk, encoding);
    if (!noticed.has(request)) {
      noticed.add(request);
      // Stop reading from the connection. Node skips data that it has already read once the message is marked as
      // dumped, which is how it marks unread bodies itself (lib/_http_common.js, parserOnBody).
      const { socket } = request;
      socket.pause();
      // A scheduled resume, or one that a reader of the request triggers, must not undo the pause.
      socket.on('resume', () => socket.pause());
      Object.assign(request, { _dumped: true });
      request.emit(EVENT);
    }
    return false;
  };
}

/** Whether the body was found to arrive in tiny chunks. It is then truncated, whatever `complete` says. */
export function hasTinyChunks(request: IncomingMessage): boolean {
  return noticed.has(request);
}

/**
 * Calls `refuse` when the body is found to arrive in tiny chunks; at once if it already was. Such a body never emits
 * `end`.
 */
export function onTinyChunks(request: IncomingMessage, refuse: () => void): void {
  if (noticed.has(request)) refuse();
  else request.once(EVENT, refuse);
}
