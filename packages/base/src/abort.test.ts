import { getEventListeners, once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { deadline, firstAbort } from './abort.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('a combined signal aborts with the first signal and its reason, also one that was aborted before', () => {
  const [a, b] = [new AbortController(), new AbortController()];
  const early = firstAbort(a.signal, undefined, b.signal);
  b.abort('b is first');
  const late = firstAbort(a.signal, b.signal);
  expect([early.signal.reason, late.signal.reason]).toEqual(['b is first', 'b is first']);
});

test('a long-lived signal has one listener, for any number of created and released scopes', () => {
  const { signal } = new AbortController();
  const released = firstAbort(signal);
  for (let i = 0; i < 20; i += 1) firstAbort(signal, new AbortController().signal);
  deadline(60_000, signal).release();
  released.release();
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
});

test('a released scope does not abort, the others of the same signal do', () => {
  const outer = new AbortController();
  const [released, held, timed] = [
    firstAbort(outer.signal),
    firstAbort(outer.signal),
    deadline(60_000, outer.signal),
  ];
  released.release();
  timed.release();
  outer.abort();
  expect([released.signal.aborted, held.signal.aborted, timed.signal.aborted]).toEqual([false, true, false]);
});

test('a deadline fires although the garbage collector ran and only its signal is referenced', async () => {
  const { signal } = deadline(50);
  const aborted = once(signal, 'abort');
  for (let i = 0; i < 5; i += 1) collect();
  await aborted;
  expect(signal.reason).toMatchObject({ name: 'TimeoutError', message: 'timed out after 50 ms' });
});

test('a deadline does not keep the process alive', () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  deadline(60_000);
  expect(timers()).toBe(before);
});

test('a deadline aborts early with a given signal', () => {
  const outer = new AbortController();
  const { signal } = deadline(60_000, outer.signal);
  outer.abort('closed');
  expect(signal.reason).toBe('closed');
});
