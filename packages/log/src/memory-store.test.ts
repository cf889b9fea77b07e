import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeLog } from './conformance/index.js';
import { openLog } from './index.js';
import { MemoryStore } from './memory-store.js';

describeLog('memory', async () => ({
  create: (o) => openLog({ engine: 'memory', ...o }),
  reopen: undefined,
  destroy: async () => {},
}));

test('the ordered map agrees with a sorted array, over many leaves', async () => {
  const key = fc.integer({ min: 0, max: 3000 });
  const op = fc.record({ key, put: fc.integer({ min: 0, max: 3 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(op, { minLength: 1500, maxLength: 3000 }), key, key, async (ops, a, b) => {
      const encode = (n: number) => Buffer.from([n >> 8, n & 0xff]);
      const store = new MemoryStore();
      const model = new Map<number, number>();
      for (const [i, { key, put }] of ops.entries()) {
        await store.commit([[encode(key), put > 0 ? Buffer.from(String(i)) : undefined]]);
        if (put > 0) model.set(key, i);
        else model.delete(key);
      }
      const sorted = [...model].sort(([x], [y]) => x - y);
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const range = [...store.range({ from: encode(low), to: encode(high) })];
      expect(range.map((p) => [p.key.readUInt16BE(), Number(p.value.toString())])).toEqual(
        sorted.filter(([k]) => k >= low && k < high),
      );
      const floor = store.floor(encode(high), encode(low));
      expect(floor?.key.readUInt16BE()).toBe(sorted.filter(([k]) => k > low && k <= high).at(-1)?.[0]);
    }),
    { numRuns: 10 },
  );
});
