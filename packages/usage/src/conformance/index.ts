// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SinkHarness } from './harness.js';
import { describeOutages } from './outages.js';
import { give, idsOf, recordsOf, within } from './records.js';
import { SinkTrial } from './sink-trial.js';

export type { SinkHarness } from './harness.js';

/** Maximum time for a sink to store some records, to report an error, or to close. */
const PATIENCE_MS = 60_000;

/**
 * The requirements for every sink. Call it in a test file of the sink, with vitest.
 * @param makeHarness called before each test
 *
 * @example describeSink('billing', async () => ({ name: 'billing', exact: true, ordered: false, open, read, destroy
 *   }));
 */
export function describeSink(name: string, makeHarness: () => Promise<SinkHarness>): void {
  describe(`${name}: the sink`, () => {
    const t = new SinkTrial(PATIENCE_MS);
    beforeEach(async () => {
      await t.begin(await makeHarness());
    });
    afterEach(() => t.end());

    test('has its name, and keeps each record once its promise resolves', async () => {
      expect(t.sink.name).toBe(t.harness.name);
      await within(PATIENCE_MS, give(t.sink, recordsOf(0, 1)));
      await t.expectKept(recordsOf(0, 1));
      await within(PATIENCE_MS, give(t.sink, recordsOf(1, 10)));
      await t.expectKept(recordsOf(0, 10));
    });

    test('takes thousands before the first is kept, and keeps each once', async () => {
      const events = recordsOf(0, 10_000);
      await within(PATIENCE_MS, give(t.sink, events));
      await t.expectKept(events);
      const more = recordsOf(10_000, 10_100);
      await within(PATIENCE_MS, give(t.sink, more));
      await t.expectKept([...events, ...more]);
    });

    test('takes records while it keeps others', async () => {
      const given: Promise<void>[] = [];
      for (let n = 0; n < 3_000; n += 100) {
        given.push(give(t.sink, recordsOf(n, n + 100)));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await within(PATIENCE_MS, Promise.all(given));
      await t.expectKept(recordsOf(0, 3_000));
    });

    test('loses nothing, and where it is exact keeps nothing twice, when records come again', async () => {
      await give(t.sink, recordsOf(0, 200));
      await give(t.sink, recordsOf(100, 300));
      // The same records again while the first are in flight.
      await Promise.all([give(t.sink, recordsOf(300, 400)), give(t.sink, recordsOf(300, 500))]);
      await t.expectKept(recordsOf(0, 500));
    });

    test('and when it ended without a close', async () => {
      await give(t.sink, recordsOf(0, 250));
      await t.reopen();
      await give(t.sink, recordsOf(200, 400));
      await t.reopen();
      await give(t.sink, recordsOf(0, 500));
      await t.expectKept(recordsOf(0, 500));
    });

    test('keeps at its close what it was given, at once', async () => {
      const events = recordsOf(0, 2_000);
      const given = give(t.sink, events);
      await within(PATIENCE_MS, t.close());
      // All answers have settled already; this only reads them.
      await within(1_000, given);
      await t.expectKept(events);
    });

    test('ignores a record that comes after its close', async () => {
      await give(t.sink, recordsOf(0, 3));
      await t.close();
      expect(idsOf(recordsOf(0, 3)).sort()).toEqual([...(await t.harness.read())].sort());
      await within(PATIENCE_MS, give(t.sink, recordsOf(3, 6)));
      await t.expectKept(recordsOf(0, 3));
    });

    describeOutages(t);
  });
}
