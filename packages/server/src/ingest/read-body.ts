/** A request's body, bounded on the wire and once decompressed. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw, type ZlibOptions } from 'node:zlib';
import { Problem } from '../http/problem.js';
import type { BodyShare } from './body-budget.js';

type Decompress = (body: Buffer, options: ZlibOptions) => Promise<Buffer>;

const DECOMPRESS: ReadonlyMap<string, Decompress> = new Map<string, Decompress>([
  ['gzip', promisify<Buffer, ZlibOptions, Buffer>(gunzip)],
  ['x-gzip', promisify<Buffer, ZlibOptions, Buffer>(gunzip)],
  // "deflate" is the zlib format (RFC 9110 section 8.4.1.2), but some clients send the bare one.
  ['deflate', (body, options) => (isZlib(body) ? inflateZlib(body, options) : inflateBare(body, options))],
  ['br', promisify<Buffer, ZlibOptions, Buffer>(brotliDecompress)],
]);
const inflateZlib = promisify<Buffer, ZlibOptions, Buffer>(inflate);
const inflateBare = promisify<Buffer, ZlibOptions, Buffer>(inflateRaw);

/** How long a client may go on sending after it was refused. */
const LINGER_MS = 5_000;

/** Refuses a body that says it is too large before any of it is read. */
export function checkDeclaredLength(request: IncomingMessage, maxBytes: number): void {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

/**
 * Reads and decompresses a body.
 * @param share what the request takes of the budget of all bodies
 * @throws Problem 413 `body_too_large`, 415 `unsupported_encoding`, 400 `invalid_encoding`; BufferFullError
 */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  share: BodyShare,
): Promise<Buffer> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const decompress = DECOMPRESS.get(encoding);
  if (decompress === undefined && encoding !== 'identity' && encoding !== '') {
    throw new Problem(
      415,
      'unsupported_encoding',
      `content encoding ${encoding.slice(0, 64)} is not supported`,
      {
        hint: 'send gzip, deflate, br or no Content-Encoding',
        headers: { 'accept-encoding': 'gzip, deflate, br' },
      },
    );
  }
  const raw = await readBytes(request, maxBytes, share);
  if (decompress === undefined) return raw;
  let body: Buffer;
  try {
    body = await decompress(raw, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(maxBytes);
    throw new Problem(
      400,
      'invalid_encoding',
      `the body is not ${encoding} as Content-Encoding says`,
      {},
      { cause: error },
    );
  }
  share.take(body.length);
  return body;
}

function readBytes(request: IncomingMessage, maxBytes: number, share: BodyShare): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) {
        reject(tooLarge(maxBytes));
        return;
      }
      try {
        share.take(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        reject(error);
      }
    });
    request.on('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    // Only the client's side breaks off here.
    request.on('error', () => reject(new ClientGone()));
    request.on('close', () => {
      if (!request.complete) reject(new ClientGone());
    });
  });
}

/**
 * Reads on for a while, keeping nothing, after a request was answered before its end. A client that is hung up on
 * while it sends sees a broken connection in place of the answer.
 */
export function dropRest(request: IncomingMessage): void {
  request.removeAllListeners('data');
  request.resume();
  const patience = setTimeout(() => request.destroy(), LINGER_MS).unref();
  request.once('close', () => clearTimeout(patience));
}

/** The client left before its request was whole: nobody is there to be answered. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

function tooLarge(maxBytes: number): Problem {
  return new Problem(413, 'body_too_large', `a body holds at most ${maxBytes} bytes, compressed or not`, {
    limit: maxBytes,
    hint: 'send several smaller batches',
  });
}

function isZlib(body: Buffer): boolean {
  const [first = 0, second = 0] = body;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}
