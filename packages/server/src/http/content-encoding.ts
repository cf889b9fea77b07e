/** Compresses answers for clients that accept it (RFC 9110, section 12.5.3). */
import { pipeline, type Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';

/** A content encoding of answers. */
export type Encoding = 'zstd' | 'br' | 'gzip';

/** Node has zstd since 22.15; the type definitions are those of Node 20. */
const { createZstdCompress } = zlib as { readonly createZstdCompress?: () => Transform };
/** In order of preference: each is faster or smaller than the next at these levels. */
const ENCODINGS: readonly Encoding[] =
  createZstdCompress === undefined ? ['br', 'gzip'] : ['zstd', 'br', 'gzip'];
/** Brotli's default of 11 takes seconds for a megabyte. */
const BROTLI_QUALITY = 4;

/** Smaller answers do not shrink by compression. */
export const LEAST_COMPRESSED_BYTES = 1024;

/** The encoding that a client prefers; null if it accepts none. */
export function acceptedEncoding(header: string | string[] | undefined): Encoding | null {
  const weights = new Map<string, number>();
  for (const part of String(header ?? '').split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const weight = parameters.find((text) => text.startsWith('q='));
    weights.set(name === 'x-gzip' ? 'gzip' : name, weight === undefined ? 1 : Number(weight.slice(2)) || 0);
  }
  const weightOf = (encoding: Encoding): number => weights.get(encoding) ?? weights.get('*') ?? 0;
  const best = ENCODINGS.toSorted((a, b) => weightOf(b) - weightOf(a))[0];
  return best !== undefined && weightOf(best) > 0 ? best : null;
}

/** Compresses a stream. An error of either stream destroys both. */
export function compressed(bytes: Readable, encoding: Encoding): Readable {
  const compressor = compressorOf(encoding);
  // The consumer of the compressed stream sees the error.
  pipeline(bytes, compressor, () => {});
  return compressor;
}

function compressorOf(encoding: Encoding): Transform {
  if (encoding === 'zstd' && createZstdCompress !== undefined) return createZstdCompress();
  if (encoding === 'gzip') return zlib.createGzip({ level: 5 });
  return zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } });
}
