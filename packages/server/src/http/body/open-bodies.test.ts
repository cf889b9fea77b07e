import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MemoryBudget } from '../memory-budget.js';
import type { Problem } from '../problem.js';
import { OpenBodies } from './open-bodies.js';

const memory = new MemoryBudget({
  maxBytes: 1,
  maxBytesEach: 1,
  full: () => new Error(),
  ownerFull: () => new Error(),
});
const other = new MemoryBudget({
  maxBytes: 1,
  maxBytesEach: 1,
  full: () => new Error(),
  ownerFull: () => new Error(),
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function bodies() {
  const ended: string[] = [];
  const reasons: string[] = [];
  const open = new OpenBodies({ maxPerAddress: 3 }, (reason) => reasons.push(reason));
  const add = (name: string, { address = '192.0.2.1', isProxy = false, of = memory, owner = 'p' } = {}) =>
    open.open({
      address,
      isProxy,
      memory: of,
      owner,
      end: ({ status, code }: Problem) => ended.push(`${name} ${status} ${code}`),
    });
  return { open, add, ended, reasons };
}

test('a body without a byte for 10 s is ended, one that makes progress is not', () => {
  const { open, add, ended, reasons } = bodies();
  add('silent');
  const busy = add('busy');
  for (let second = 0; second < 30; second += 1) {
    busy.progress(2_000);
    vi.advanceTimersByTime(1_000);
  }
  expect([ended, reasons, open.count]).toEqual([['silent 408 body_too_slow'], ['stalled'], 1]);
});

test('after its first 10 s a body must bring 1 KiB a second', () => {
  const { add, ended } = bodies();
  const [slow, slowStart] = [add('slow'), add('slow start')];
  for (let second = 0; second < 40; second += 1) {
    slow.progress(second < 10 ? 100_000 : 900);
    slowStart.progress(second < 10 ? 1 : 1_100);
    vi.advanceTimersByTime(1_000);
  }
  expect(ended).toEqual(['slow 408 body_too_slow']);
});

test('when memory runs out the slowest body of that memory is ended first, but no fast or new one', () => {
  const { open, add, ended, reasons } = bodies();
  const [fast, slow] = [add('fast'), add('slow')];
  add('stalled').progress(20_000);
  add('small', { address: '192.0.2.3' });
  add('stalled elsewhere', { address: '192.0.2.2', of: other });
  for (let second = 0; second < 3; second += 1) {
    fast.progress(1_000_000);
    slow.progress(10_000);
    vi.advanceTimersByTime(1_000);
  }
  expect(open.endSlowest(memory, 'another owner')).toBe(false);
  expect([open.endSlowest(memory), open.endSlowest(memory), open.endSlowest(memory)]).toEqual([
    true,
    true,
    false,
  ]);
  add('new', { address: '192.0.2.4' });
  expect(open.endSlowest(memory)).toBe(false);
  expect(ended).toEqual(['stalled 408 body_too_slow', 'slow 408 body_too_slow']);
  expect(reasons).toEqual(['pressure', 'pressure']);
});

test('an address has a limited number of unfinished bodies, a proxy any number, and a closed one frees its place', () => {
  const { open, add } = bodies();
  const [first] = [add('a'), add('b'), add('c')];
  expect(() => add('d')).toThrow(expect.objectContaining({ status: 429, code: 'at_capacity' }));
  add('proxied', { isProxy: true });
  add('elsewhere', { address: '192.0.2.2' });
  if (first !== undefined) {
    open.close(first);
    open.close(first);
  }
  expect(() => add('d')).toThrow();
  expect(open.count).toBe(4);
});
