import type { AppendRequest, CreateOptions, StreamSource } from '../index.js';

/** Options that create a text stream. */
export const TEXT: CreateOptions = {
  contentType: 'text/plain',
  expiry: null,
  closed: false,
  body: new Uint8Array(),
  fork: null,
};

/** Options that create a JSON stream. */
export const JSON_STREAM: CreateOptions = { ...TEXT, contentType: 'application/json' };

/** An append of a text. */
export function appendOf(text: string, more: Partial<AppendRequest> = {}): AppendRequest {
  return {
    body: Buffer.from(text),
    contentType: 'text/plain',
    producer: null,
    seq: null,
    close: false,
    ...more,
  };
}

/** All content from an offset, read page by page; in a JSON stream, messages separated by commas. */
export async function contentOf(source: StreamSource, from = '-1', maxBytes?: number): Promise<string> {
  const parts: string[] = [];
  for (let place = source.locate(from); ; ) {
    const page = await source.read(place, maxBytes);
    parts.push(...page.payloads.map((payload) => Buffer.from(payload).toString()));
    place = page.next;
    if (page.isTail) return parts.join(source.info.isJson ? ',' : '');
  }
}
