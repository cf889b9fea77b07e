import type { UsageEvent } from '@weir/extension';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { record, recordsOf, tryToGive } from '../conformance/records.js';
import { EventBatches } from './event-batches.js';

const FOREVER = 1_000_000;
const never = new AbortController().signal;

describe('batches', () => {
  it('are flushed when full, the rest when the previous one is done, in order and one at a time', async () => {
    const flushed: number[][] = [];
    let running = 0;
    const batches = new EventBatches(
      async (events) => {
        running += 1;
        expect(running).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        flushed.push(events.map(({ seq }) => seq));
        running -= 1;
      },
      { size: 4, delayMs: FOREVER },
    );
    const events = recordsOf(0, 10);
    const promises = events.map((event) => batches.write(event));
    expect(new Set(promises).size).toBe(3);
    await Promise.all(promises);
    expect(flushed.map((batch) => batch.length)).toEqual([4, 4, 2]);
    expect(flushed.flat()).toEqual(events.map(({ seq }) => seq));
  });

  it('are flushed after the delay', async () => {
    let count = 0;
    const flush = async (events: readonly UsageEvent[]) => {
      count += events.length;
    };
    const batches = new EventBatches(flush, { size: 100, delayMs: 20 });
    const before = performance.now();
    await Promise.all([batches.write(record(1)), batches.write(record(2))]);
    expect(count).toBe(2);
    expect(performance.now() - before).toBeGreaterThan(15);
  });

  it('settle by the signal of close, however long the flush takes, and ignore later records', async () => {
    const stop = new AbortController();
    let given: AbortSignal | undefined;
    const batches = new EventBatches(
      (_events, signal) => {
        given = signal;
        return new Promise(() => undefined);
      },
      { size: 2, delayMs: FOREVER },
    );
    const pending = tryToGive({ writeEvent: (event) => batches.write(event) }, recordsOf(0, 5));
    const closing = batches.close(stop.signal);
    expect(batches.write(record(9))).toBeUndefined();
    expect(batches.ignored).toBe(1);
    stop.abort();
    await closing;
    expect(await pending).toBe(0);
    expect(given?.aborted).toBe(true);
  });

  it('accept after a failure the first failed record, or a later one when it is passed again', async () => {
    let isUp = true;
    const kept: number[] = [];
    const batches = new EventBatches(
      async (events) => {
        if (!isUp) throw new Error('down');
        kept.push(...events.map(({ seq }) => seq));
      },
      { size: 1 },
    );
    const fail = async () => {
      isUp = false;
      await expect(batches.write(record(5))).rejects.toThrow('down');
      isUp = true;
    };
    await fail();
    for (const n of [6, 7]) await expect(batches.write(record(n))).rejects.toThrow('down');
    for (const n of [5, 6, 7]) await batches.write(record(n));
    await fail();
    for (const n of [8, 9]) await expect(batches.write(record(n))).rejects.toThrow('down');
    // The log gave up the records before it.
    for (const n of [8, 9]) await batches.write(record(n));
    expect(kept).toEqual([5, 6, 7, 8, 9].map((n) => record(n).seq));
  });

  it('make a sink that stores its cursor keep each record once, for any failures', async () => {
    const fault = fc.constantFrom('none', 'none', 'before', 'after');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fault, { maxLength: 30 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 40 }),
        // How long the next page waits for the previous one.
        fc.integer({ min: 0, max: 4 }),
        async (faults, size, page, turns) => {
          const kept: number[] = [];
          const flush = async (events: readonly UsageEvent[]) => {
            const next = faults.shift() ?? 'none';
            await new Promise((resolve) => setImmediate(resolve));
            if (next === 'before') throw new Error('lost');
            kept.push(...events.map(({ seq }) => seq).filter((seq) => seq > (kept.at(-1) ?? -1)));
            if (next === 'after') throw new Error('kept, and the answer was lost');
          };
          const batches = new EventBatches(flush, { size, delayMs: 1 });
          const events = recordsOf(0, 60);
          for (let at = 0; at < events.length; ) {
            const sink = { writeEvent: (event: UsageEvent) => batches.write(event) };
            const given = tryToGive(sink, events.slice(at, at + page));
            for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
            const ahead = tryToGive(sink, events.slice(at + page, at + 2 * page));
            const kept = await given;
            const keptAhead = await ahead;
            at += kept < page ? kept : kept + keptAhead;
          }
          await batches.close(never);
          expect(kept).toEqual(events.map(({ seq }) => seq));
        },
      ),
      { numRuns: 200 },
    );
  });
});
