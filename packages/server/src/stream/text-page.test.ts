import type { Page } from '@weir/channel/stream';
import { expect, test } from 'vitest';
import { readText } from './text-page.js';

/** An open stream with these appends, which counts its reads. */
function streamOf(appends: readonly (readonly number[])[]) {
  let reads = 0;
  const read = async (place: number, maxBytes = 0): Promise<Page> => {
    reads += 1;
    const payloads: Uint8Array[] = [];
    let bytes = 0;
    for (const append of appends.slice(place)) {
      bytes += append.length;
      if (payloads.length > 0 && bytes > maxBytes) break;
      payloads.push(Uint8Array.from(append));
    }
    const next = place + payloads.length;
    return { payloads, messages: payloads.length, next, isTail: next === appends.length, isEnd: false };
  };
  return { read, reads: () => reads };
}

const [A, FIRST, SECOND] = [0x61, 0xc3, 0xa9];

test('a page is extended until its last character is complete', async () => {
  const { page } = await readText(streamOf([[A], [FIRST], [SECOND], [A]]), 0, 2);
  expect(page).toMatchObject({ next: 3, messages: 3, isTail: false });
});

test('an incomplete character at the tail waits, with the appends that end within characters before it', async () => {
  const { page, seen } = await readText(streamOf([[A], [FIRST], [SECOND, FIRST]]), 0, 100);
  expect(page).toMatchObject({ next: 1, messages: 1 });
  expect(seen).toBe(3);
});

test('a byte that starts no valid character, because another one starts after it, does not wait', async () => {
  const { page } = await readText(streamOf([[A], [FIRST], [FIRST]]), 0, 100);
  expect(page).toMatchObject({ next: 2, messages: 2 });
});

test('appends that all end within a character are read in pages of bounded size', async () => {
  const stream = streamOf(Array.from({ length: 5_000 }, () => [SECOND, FIRST]));
  const { page } = await readText(stream, 0, 1_000);
  expect(page).toMatchObject({ isTail: false });
  expect(page.next).toBeLessThan(1_000);
  expect(stream.reads()).toBeLessThan(100);
});
