import { expect, it } from 'vitest';
import { Cancellations } from './cancellations.js';

const CALL = { tokenId: 't', sessionId: 's', requestId: 1 };

it('cancels the named call, and no other client or request', async () => {
  const cancellations = new Cancellations();
  const seen: boolean[] = [];
  await cancellations.during(CALL, async (signal) => {
    for (const other of [{ requestId: '1' }, { requestId: 2 }, { sessionId: 'x' }, { tokenId: 'x' }]) {
      cancellations.cancel({ ...CALL, ...other });
      seen.push(signal.aborted);
    }
    cancellations.cancel(CALL);
    seen.push(signal.aborted);
  });
  expect(seen).toEqual([false, false, false, false, true]);
});

it('removes a call that has ended, but not one that reused its id', async () => {
  const cancellations = new Cancellations();
  let endFirst = () => {};
  const first = cancellations.during(CALL, async () => {
    await new Promise<void>((resolve) => {
      endFirst = resolve;
    });
  });
  await cancellations.during(CALL, async (signal) => {
    endFirst();
    await first;
    cancellations.cancel(CALL);
    expect(signal.aborted).toBe(true);
  });
  cancellations.cancel(CALL);
});
