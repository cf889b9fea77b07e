import { ClickHouseError, errorFromExceptionText } from './clickhouse-error.js';

/**
 * How ClickHouse reports an error after its answer has begun: the header `X-ClickHouse-Exception-Tag` announces a
 * random tag, and a body that ends in
 *
 *     \r\n__exception__\r\n<tag>\r\n<message>\n<length> <tag>\r\n__exception__\r\n
 *
 * contains the error message instead of a complete result. The embedded engine writes this trailer; the client parses
 * it.
 */

/** The trailer that reports an error to a reader that knows `tag`. */
export function exceptionTrailer(tag: string, message: string): string {
  const text = `${message}\n`;
  return `\r\n__exception__\r\n${tag}\r\n${text}${Buffer.byteLength(text)} ${tag}\r\n__exception__\r\n`;
}

/**
 * Passes a body through unchanged, and throws if it ends in an exception. Only bytes that could start the trailer are
 * held back, for any chunk boundaries.
 */
export async function* withoutTrailer(
  body: AsyncIterable<Uint8Array>,
  tag: string | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (tag === undefined) {
    yield* body;
    return;
  }
  const marker = Buffer.from(`\r\n__exception__\r\n${tag}\r\n`);
  let held = Buffer.alloc(0);
  let failure: Buffer[] | undefined;
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (failure !== undefined) {
      failure.push(bytes);
      continue;
    }
    const seen = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    const at = seen.indexOf(marker);
    if (at >= 0) {
      if (at > 0) yield seen.subarray(0, at);
      failure = [seen.subarray(at + marker.length)];
      continue;
    }
    // A \r may start the marker; without one, no bytes have to be held back.
    const from = Math.max(0, seen.length - marker.length + 1);
    const cr = seen.indexOf(0x0d, from);
    const keep = cr === -1 ? seen.length : cr;
    if (keep > 0) yield seen.subarray(0, keep);
    held = Buffer.from(seen.subarray(keep));
  }
  if (failure !== undefined) throw failureOf(Buffer.concat(failure).toString('utf8'));
  if (held.length > 0) yield held;
}

function failureOf(text: string): ClickHouseError {
  const message = text.slice(0, Math.max(0, text.lastIndexOf('\n', text.lastIndexOf('\r\n__exception__'))));
  return (
    errorFromExceptionText(message) ??
    new ClickHouseError('unavailable', 'ClickHouse failed in the middle of its answer', { detail: message })
  );
}
