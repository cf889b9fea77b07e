import type { Page, StreamInfo } from '@weir/channel/stream';

const [OPENING, COMMA, CLOSING] = [Buffer.from('['), Buffer.from(','), Buffer.from(']')];

/** Content as it is sent: bytes as they came, messages of a JSON stream as an array. */
export function bodyOf({ isJson }: StreamInfo, { payloads }: Page): Buffer {
  if (isJson) {
    const parts = payloads.flatMap((payload, i) => (i === 0 ? [payload] : [COMMA, payload]));
    return Buffer.concat([OPENING, ...parts, CLOSING]);
  }
  const [only] = payloads;
  // One large append is not copied.
  if (only !== undefined && payloads.length === 1)
    return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
  return Buffer.concat(payloads);
}
