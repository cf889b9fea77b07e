import { incompleteUtf8 } from '@weir/base';
import type { Page, StreamSource } from '@weir/channel/stream';

/**
 * Maximum further appends to read; their bytes are limited to one page. Without this limit, a client whose appends all
 * end within a character would make the server hold a whole stream in memory.
 */
const MAX_MORE = 64;

/**
 * The next page of a text stream, which ends with a complete character: appends may split text anywhere, but an event
 * of an event stream must be valid text. A page that ends within a character is extended; at the tail, the rest waits
 * for the next append.
 * @returns the page, and the place after everything seen: new content exists once the stream is longer
 */
export async function readText(
  source: Pick<StreamSource, 'read'>,
  place: number,
  maxBytes: number,
): Promise<{ readonly page: Page; readonly seen: number }> {
  let page = await source.read(place, maxBytes);
  let bytes = 0;
  for (
    let appends = 0;
    isCut(page.payloads) && !page.isTail && appends < MAX_MORE && bytes < maxBytes;
    appends += 1
  ) {
    const more = await source.read(page.next, 1);
    bytes += more.payloads.reduce((sum, payload) => sum + payload.length, 0);
    page = {
      ...more,
      payloads: [...page.payloads, ...more.payloads],
      messages: page.messages + more.messages,
    };
  }
  const seen = page.next;
  // A closed stream gets no further content to wait for.
  if (page.isEnd || !page.isTail) return { page, seen };
  const payloads = [...page.payloads];
  for (let next: number | undefined; isCut(payloads, next); ) next = payloads.pop()?.[0];
  const left = page.payloads.length - payloads.length;
  return { page: { ...page, payloads, messages: page.messages - left, next: page.next - left }, seen };
}

/**
 * Whether payloads end within a character.
 * @param next the byte after them, if known: a byte that does not continue a character shows that the last character is
 *   broken
 */
function isCut(payloads: readonly Uint8Array[], next?: number): boolean {
  const continues = next === undefined || (next & 0b1100_0000) === 0b1000_0000;
  return continues && incompleteUtf8(lastBytes(payloads)) > 0;
}

/** The last bytes, enough for one character: each of its bytes may be in another append. */
function lastBytes(payloads: readonly Uint8Array[]): Buffer {
  return Buffer.concat(payloads.slice(-LONGEST).map((payload) => payload.subarray(-LONGEST))).subarray(
    -LONGEST,
  );
}

const LONGEST = 4;
