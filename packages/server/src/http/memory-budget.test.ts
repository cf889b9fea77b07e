import { expect, test } from 'vitest';
import { MemoryBudget } from './memory-budget.js';

function budget(relieve?: (owner?: string) => boolean): MemoryBudget {
  return new MemoryBudget({
    maxBytes: 100,
    maxBytesEach: 60,
    full: () => new Error('full'),
    ownerFull: (limit) => new Error(`owner full at ${limit}`),
    ...(relieve === undefined ? {} : { relieve }),
  });
}

test('all owners together and each of them are limited, and released bytes are free again', () => {
  const memory = budget();
  const [a, b] = [memory.share('a'), memory.share('b')];
  a.take(60);
  expect(() => memory.share('a').take(1)).toThrow('owner full at 60');
  b.take(40);
  expect(() => b.take(1)).toThrow('full');
  a.take(-10);
  b.take(10);
  a.clear();
  a.take(50);
  expect(memory.bytes).toBe(100);
  a.release();
  a.release();
  b.release();
  expect(memory.bytes).toBe(0);
});

test('a released share accepts no more charges', () => {
  const memory = budget();
  const share = memory.share('a');
  share.release();
  share.take(1_000);
  expect(memory.bytes).toBe(0);
});

test('an owner that has used up its part makes room for itself first', () => {
  const asked: (string | undefined)[] = [];
  const memory = budget((owner) => {
    asked.push(owner);
    first.clear();
    return asked.length === 1;
  });
  const first = memory.share('a');
  first.take(50);
  memory.share('a').take(50);
  expect(() => memory.share('a').take(50)).toThrow('owner full at 60');
  expect([memory.bytes, asked]).toEqual([50, ['a', 'a']]);
});

test('a request that is ended to make room, even the one that needs it, holds no bytes', () => {
  const ends: (() => void)[] = [];
  const memory = budget(() => {
    const end = ends.pop();
    end?.();
    return end !== undefined;
  });
  const [a, b] = [memory.share('a'), memory.share('b')];
  a.take(60);
  ends.push(() => a.release());
  b.take(50);
  expect(memory.bytes).toBe(50);
  memory.share('c').take(50);
  ends.push(() => b.release());
  b.take(10);
  expect(memory.bytes).toBe(50);
});
