/**
 * Notices bodies that come in chunks of a few bytes (RFC 9112 section 7.1). Parsing a chunk costs the same whatever its size:
 * three million chunks of one byte cost ten seconds of CPU. The chunks are counted where the parser hands them over, as a
 * single read from the connection holds 10,000 of them, before any handler can run.
 */
import type { IncomingMessage } from 'node:http';

/** Chunks of which a body may have any size. */
const FREE_CHUNKS = 512;
const LEAST_CHUNK_BYTES = 16;
const EVENT = 'weir:tiny-chunks';
const noticed = new WeakSet<IncomingMessage>();

/** Watches a request whose body is chunked. Call it when the request begins. */
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
      // Nothing more is read from the connection. Node passes over what it has read already once the message is marked as
      // dumped, as it marks an unread body itself (lib/_http_common.js, parserOnBody).
      const { socket } = request;
      socket.pause();
      // A resume that was due already, or that a reader of the request asks for, must not undo the pause.
      socket.on('resume', () => socket.pause());
      Object.assign(request, { _dumped: true });
      request.emit(EVENT);
    }
    return false;
  };
}

/** Whether the body has turned out to come in tiny chunks. It is cut short then, whatever `complete` says. */
export function hasTinyChunks(request: IncomingMessage): boolean {
  return noticed.has(request);
}

/** Calls `refuse` when the body turns out to come in tiny chunks; at once if it has. The body never ends then. */
export function onTinyChunks(request: IncomingMessage, refuse: () => void): void {
  if (noticed.has(request)) refuse();
  else request.once(EVENT, refuse);
}
