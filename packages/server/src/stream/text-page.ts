import { incompleteUtf8 } from '@weir/base';
import type { Page, StreamSource } from '@weir/channel/stream';

/**
 * Appends that are read on at most, and at most as many bytes as a page has. Without a bound, a client whose appends all end
 * within a character would have the server hold a whole stream in memory.
 */
const MAX_MORE = 64;

/**
 * The next page of a stream of text, which ends with a whole character: appends may cut text anywhere, and an event of an
 * event stream is text of its own. What ends within a character is read on; at the tail it waits for the next append.
 * @returns the page, and the place behind all that is there: more has come once there is something after it
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
  // A stream that is closed has no more to wait for.
  if (page.isEnd || !page.isTail) return { page, seen };
  const payloads = [...page.payloads];
  for (let next: number | undefined; isCut(payloads, next); ) next = payloads.pop()?.[0];
  const left = page.payloads.length - payloads.length;
  return { page: { ...page, payloads, messages: page.messages - left, next: page.next - left }, seen };
}

/**
 * Whether payloads end within a character.
 * @param next the byte behind them, if it is known: one that continues no character ends the one before, which is then broken
 */
function isCut(payloads: readonly Uint8Array[], next?: number): boolean {
  const continues = next === undefined || (next & 0b1100_0000) === 0b1000_0000;
  return continues && incompleteUtf8(lastBytes(payloads)) > 0;
}

/** Enough of the end to hold a character: it may be spread over as many appends as it has bytes. */
function lastBytes(payloads: readonly Uint8Array[]): Buffer {
  return Buffer.concat(payloads.slice(-LONGEST).map((payload) => payload.subarray(-LONGEST))).subarray(
    -LONGEST,
  );
}

const LONGEST = 4;
