// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import { expect, type TestContext, test } from 'vitest';
import { give, giveUntilKept, recordsOf, tryToGive, within } from './records.js';
import type { SinkTrial } from './sink-trial.js';

/** Tests with an unavailable backend. */
export function describeOutages(t: SinkTrial): void {
  test('refuses what it cannot keep, and loses nothing when it comes again', async (context) => {
    const { fail, recover } = outages(t, context);
    const events = recordsOf(0, 12_000);
    await give(t.sink, events.slice(0, 100));
    await fail();
    // A page of thousands is several batches: none may be stored after one that was not.
    expect(await within(t.patienceMs, tryToGive(t.sink, events.slice(100, 11_000)))).toBe(0);
    expect(await within(t.patienceMs, tryToGive(t.sink, events.slice(100, 200)))).toBe(0);
    await recover();
    await giveUntilKept(t.sink, events.slice(100), t.patienceMs);
    await t.expectKept(events);
  });

  test('keeps records through a backend that comes and goes, and a crash meanwhile', async (context) => {
    const { fail, recover } = outages(t, context);
    const events = recordsOf(0, 3_000);
    let kept = 0;
    for (let round = 0; round < 4; round++) {
      const given = tryToGive(t.sink, events.slice(kept, kept + 500));
      await fail();
      if (round % 2 === 1) await t.reopen();
      kept += await within(t.patienceMs, given);
      await recover();
    }
    await giveUntilKept(t.sink, events.slice(kept), t.patienceMs);
    await t.expectKept(events);
  });

  test('closes while it cannot keep anything, and lets nobody wait past the signal', async (context) => {
    const { fail, recover } = outages(t, context);
    await give(t.sink, recordsOf(0, 10));
    await fail();
    const given = tryToGive(t.sink, recordsOf(10, 20));
    await within(t.patienceMs, t.close(AbortSignal.timeout(1_000)));
    expect(await within(5_000, given)).toBe(0);
    await recover();
  });
}

function outages(t: SinkTrial, context: TestContext): { fail(): Promise<void>; recover(): Promise<void> } {
  const { harness } = t;
  if (harness.fail === undefined || harness.recover === undefined)
    context.skip('its backend cannot be taken away');
  return {
    fail: async () => harness.fail?.(),
    recover: async () => harness.recover?.(),
  };
}
