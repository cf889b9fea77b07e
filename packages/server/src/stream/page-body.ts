import type { Page, StreamInfo } from '@weir/stream';

const [OPENING, COMMA, CLOSING] = [Buffer.from('['), Buffer.from(','), Buffer.from(']')];

/** Content as it is sent: bytes as they came, messages of a JSON stream as an array. */
export function bodyOf({ isJson }: StreamInfo, { payloads }: Page): Buffer {
  if (!isJson) return Buffer.concat(payloads);
  const parts = payloads.flatMap((payload, i) => (i === 0 ? [payload] : [COMMA, payload]));
  return Buffer.concat([OPENING, ...parts, CLOSING]);
}
