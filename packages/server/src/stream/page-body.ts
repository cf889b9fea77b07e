import type { Page, StreamInfo } from '@weir/channel/stream';

const [OPENING, COMMA, CLOSING] = [Buffer.from('['), Buffer.from(','), Buffer.from(']')];

/** The body of a read: bytes unchanged, messages of a JSON stream as an array. */
export function bodyOf({ isJson }: StreamInfo, { payloads }: Page): Buffer {
  if (isJson) {
    const parts = payloads.flatMap((payload, i) => (i === 0 ? [payload] : [COMMA, payload]));
    return Buffer.concat([OPENING, ...parts, CLOSING]);
  }
  const [only] = payloads;
  // Do not copy a single large append.
  if (only !== undefined && payloads.length === 1)
    return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
  return Buffer.concat(payloads);
}
