import { getEventListeners, once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { deadline, firstAbort } from './abort.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('a combined signal aborts with the first signal and its reason, also one that has aborted before', () => {
  const [a, b] = [new AbortController(), new AbortController()];
  const early = firstAbort(a.signal, undefined, b.signal);
  b.abort('b is first');
  const late = firstAbort(a.signal, b.signal);
  expect([early.signal.reason, late.signal.reason]).toEqual(['b is first', 'b is first']);
});

test('a released signal leaves no listener behind and does not abort', () => {
  const { signal } = new AbortController();
  const ended = new AbortController();
  for (let i = 0; i < 3; i += 1) firstAbort(signal, ended.signal).release();
  deadline(1_000, signal).release();
  firstAbort(signal, ended.signal);
  ended.abort();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a deadline fires although the garbage collector ran and only its signal is held', async () => {
  const { signal } = deadline(50);
  const aborted = once(signal, 'abort');
  for (let i = 0; i < 5; i += 1) collect();
  await aborted;
  expect(signal.reason).toMatchObject({ name: 'TimeoutError', message: 'timed out after 50 ms' });
});

test('a deadline aborts early with a signal that it was given', () => {
  const outer = new AbortController();
  const { signal } = deadline(60_000, outer.signal);
  outer.abort('closed');
  expect(signal.reason).toBe('closed');
});
