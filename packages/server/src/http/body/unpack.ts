/** Decompresses a body piece by piece, so that memory is charged before each piece exists (RFC 9110, section 8.4). */
import type { Transform } from 'node:stream';
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  type ZlibOptions,
} from 'node:zlib';
import type { MemoryShare } from '../memory-budget.js';
import { Problem } from '../problem.js';
import { BodyCollector } from './body-collector.js';
import { FairSlots } from './fair-slots.js';

type CreateStream = (body: Buffer, options: ZlibOptions) => Transform;

const STREAMS: ReadonlyMap<string, CreateStream> = new Map<string, CreateStream>([
  ['gzip', (_body, options) => createGunzip(options)],
  ['x-gzip', (_body, options) => createGunzip(options)],
  // "deflate" means the zlib format, but some clients send raw deflate.
  ['deflate', (body, options) => (isZlib(body) ? createInflate(options) : createInflateRaw(options))],
  ['br', (_body, options) => createBrotliDecompress(options)],
]);
const OPTIONS: ZlibOptions = { chunkSize: 64 * 1024 };

/**
 * Bodies unpacked concurrently: one yields 100 MB/s and more. Decompressors run on the thread pool, which the log's
 * file access uses too, and a brotli decoder allocates a window of up to 16 MiB that the memory budget cannot count.
 */
const UNPACKED_AT_A_TIME = 1;

/** A body to unpack. */
export interface PackedBody {
  /** The bytes as received. */
  readonly bytes: Buffer;
  /** The `Content-Encoding`, as returned by {@link encodingOf}. */
  readonly encoding: string;
  /** The project or address; owners are served in rotation. */
  readonly owner: string;
  /** Maximum bytes after unpacking. */
  readonly maxBytes: number;
  /** Creates the error for a larger body. */
  readonly tooLarge: () => Problem;
  readonly share: MemoryShare;
}

/** Unpacks bodies, a limited number at a time. */
export class Unpacker {
  readonly #slots = new FairSlots(UNPACKED_AT_A_TIME);

  /** @throws Problem 400 `invalid_encoding`, 413 `body_too_large`, and the errors of the share */
  async unpack(packed: PackedBody): Promise<Buffer> {
    const release = await this.#slots.take(packed.owner);
    try {
      return await unpack(packed);
    } finally {
      release();
    }
  }
}

/**
 * A request's content encoding, in lower case; null for none.
 * @throws Problem 415 `unsupported_encoding`
 */
export function encodingOf(header: string | undefined): string | null {
  const encoding = (header ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return null;
  if (STREAMS.has(encoding)) return encoding;
  throw new Problem('unsupported_encoding', `content encoding ${encoding.slice(0, 64)} is not supported`, {
    hint: 'send gzip, deflate, br or no Content-Encoding',
    headers: { 'accept-encoding': 'gzip, deflate, br' },
  });
}

function unpack({ bytes, encoding, maxBytes, tooLarge, share }: PackedBody): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The cast holds: encodingOf found it in this map.
    const create = STREAMS.get(encoding) as CreateStream;
    const stream = create(bytes, OPTIONS);
    const unpacked = new BodyCollector(share, maxBytes);
    const refuse = (error: unknown): void => {
      stream.destroy();
      reject(error);
    };
    stream.on('data', (chunk: Buffer) => {
      if (unpacked.length + chunk.length > maxBytes) {
        refuse(tooLarge());
        return;
      }
      try {
        unpacked.add(chunk);
      } catch (error) {
        refuse(error);
      }
    });
    stream.on('end', () => resolve(unpacked.take()));
    stream.on('error', (cause) =>
      reject(
        new Problem('invalid_encoding', `the body is not ${encoding} as Content-Encoding says`, {
          hint: 'check that the body is compressed once, and sent whole',
          cause,
        }),
      ),
    );
    stream.end(bytes);
  });
}

function isZlib(body: Buffer): boolean {
  const [first = 0, second = 0] = body;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}
