// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import { afterEach, beforeEach, describe } from 'vitest';
import { describeBounds } from './bounds.js';
import { describeEntries, describeTail } from './entries.js';
import { describeLanes } from './lanes.js';
import { describeCursors, describeGroups } from './readers.js';
import { describeRetention } from './retention.js';
import type { ConformanceHarness, Trial } from './trial.js';

export type { ConformanceHarness } from './trial.js';

/**
 * The conformance tests of every engine. Call it in a test file of the engine.
 * @param makeHarness called before each test, and by tests that need a second log
 */
export function describeLog(name: string, makeHarness: () => Promise<ConformanceHarness>): void {
  describe(`${name}: the log`, () => {
    const now = () => t.clock;
    // Log and harness are replaced before each test.
    const t = { clock: 1_800_000_000_000, now, makeHarness } as Trial & { harness: ConformanceHarness };
    t.restart = async () => {
      if (t.harness.reopen !== undefined) t.log = await t.harness.reopen(t.log, { now });
    };
    beforeEach(async () => {
      t.harness = await makeHarness();
      t.log = await t.harness.create({ now });
    });
    afterEach(async () => {
      await t.log.close();
      await t.harness.destroy();
    });

    describeEntries(t);
    describeTail(t);
    describeRetention(t);
    describeCursors(t);
    describeGroups(t);
    describeLanes(t);
    describeBounds(t);
  });
}
