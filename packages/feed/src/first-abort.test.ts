import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { firstAbort } from './first-abort.js';

it('aborts with whichever is first, also one that has aborted', () => {
  const [a, b] = [new AbortController(), new AbortController()];
  const early = firstAbort(a.signal, b.signal);
  b.abort();
  const late = firstAbort(a.signal, b.signal);
  expect([early.signal.aborted, late.signal.aborted]).toEqual([true, true]);
});

it('leaves nothing at a signal once it is released', () => {
  const { signal } = new AbortController();
  for (let i = 0; i < 3; i += 1) firstAbort(signal, new AbortController().signal).release();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
