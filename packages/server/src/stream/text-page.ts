import { incompleteUtf8 } from '@weir/base';
import type { Page, StreamSource } from '@weir/stream';

/**
 * The next page of a stream of text, which ends with a whole character: appends may cut text anywhere, and an event of an
 * event stream is text of its own. What ends within a character is read on; at the tail it waits for the next append.
 * @returns the page, and the place behind all that is there: more has come once there is something after it
 */
export async function readText(
  source: StreamSource,
  place: number,
  maxBytes: number,
): Promise<{ readonly page: Page; readonly seen: number }> {
  let page = await source.read(place, maxBytes);
  while (!page.isTail && incompleteUtf8(lastBytes(page.payloads)) > 0) {
    const more = await source.read(page.next, 1);
    page = {
      ...more,
      payloads: [...page.payloads, ...more.payloads],
      messages: page.messages + more.messages,
    };
  }
  const seen = page.next;
  // A stream that is closed has no more to wait for.
  if (page.isEnd) return { page, seen };
  const payloads = [...page.payloads];
  while (payloads.length > 0 && incompleteUtf8(lastBytes(payloads)) > 0) payloads.pop();
  const left = page.payloads.length - payloads.length;
  return { page: { ...page, payloads, messages: page.messages - left, next: page.next - left }, seen };
}

/** Enough of the end to hold a character: it may be spread over as many appends as it has bytes. */
function lastBytes(payloads: readonly Uint8Array[]): Buffer {
  return Buffer.concat(payloads.slice(-LONGEST).map((payload) => payload.subarray(-LONGEST))).subarray(
    -LONGEST,
  );
}

const LONGEST = 4;
