import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ClickHouseError } from './clickhouse-error.js';
import { exceptionTrailer, withoutTrailer } from './exception-trailer.js';

const TAG = '0123456789abcdef';
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc
    .constantFrom('\r\n', '\r\n__exception__\r\n', '\r', `\r\n__exception__\r\n${TAG.slice(0, 8)}`)
    .map((s) => Buffer.from(s)),
);

async function* cutAt(body: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let n = 0; at < body.length; n += 1) {
    const size = sizes[n % sizes.length] ?? 1;
    yield body.subarray(at, at + size);
    at += size;
  }
}

async function read(body: AsyncIterable<Uint8Array>): Promise<{ bytes: Buffer; error: unknown }> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of withoutTrailer(body, TAG)) parts.push(part);
    return { bytes: Buffer.concat(parts), error: undefined };
  } catch (error) {
    return { bytes: Buffer.concat(parts), error };
  }
}

it('passes every body through unchanged, for any chunks, and raises the error of its trailer', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
  const property = fc.asyncProperty(fc.array(bytes, { maxLength: 6 }), sizes, async (parts, cuts) => {
    const body = Buffer.concat(parts);
    expect(await read(cutAt(body, cuts))).toEqual({ bytes: body, error: undefined });
    const text = 'Code: 241. DB::Exception: no memory for ü\n(line two) (MEMORY_LIMIT_EXCEEDED)';
    const failed = await read(cutAt(Buffer.concat([body, Buffer.from(exceptionTrailer(TAG, text))]), cuts));
    expect(failed.bytes).toEqual(body);
    expect(failed.error).toBeInstanceOf(ClickHouseError);
    expect(failed.error).toMatchObject({
      exceptionCode: 241,
      codeName: 'MEMORY_LIMIT_EXCEEDED',
      code: 'unavailable',
    });
  });
  await fc.assert(property, { numRuns: 200 });
});
