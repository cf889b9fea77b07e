import { LogError, openLog } from '@weir/log';
import { expect, test } from 'vitest';
import { Pipeline, Router } from './index.js';
import { ANN, text, textOf } from './testing/people.js';

const ID = 'p_c';

test('a temporary refusal also refuses later messages of the pipeline until the refused message is sent again', async () => {
  let now = 0;
  const router = new Router({
    log: await openLog({ engine: 'memory' }),
    rateLimit: { perSecond: 10, burst: 2 },
    // Each read of the clock refills the bucket a little, so the refused message and the next are judged separately.
    now: () => (now += 25),
  });
  await router.create({ processId: 'p', submitterId: 'ann', name: 'c' });
  const pipeline = new Pipeline();
  const refused = new Set<number>();
  const codes = new Set<string>();
  const stored: number[] = [];
  let left = Array.from({ length: 60 }, (_, i) => i + 1);
  for (let round = 0; left.length > 0; round += 1) {
    expect(round).toBeLessThan(500);
    await Promise.all(
      left.map((n) =>
        router.appendBatch(ID, ANN, [text(n)], pipeline).then(
          () => stored.push(n),
          ({ code, retryAfterMs }) => {
            codes.add(code);
            if (code === 'rate_limited') expect(retryAfterMs).toBeGreaterThan(0);
            refused.add(n);
          },
        ),
      ),
    );
    left = left.filter((n) => !stored.includes(n));
  }
  expect([...codes].toSorted()).toEqual(['earlier_refused', 'rate_limited']);
  expect(refused.size).toBeGreaterThan(10);
  const { entries } = await router.readAfter(ID, ANN, 0);
  expect(entries.map(textOf)).toEqual(Array.from({ length: 60 }, (_, i) => `m${i + 1}`));
});

test('neither a final refusal nor a resent duplicate blocks later messages', async () => {
  const router = await Router.forTesting();
  await router.create({ processId: 'p', submitterId: 'ann', name: 'c' });
  const pipeline = new Pipeline();
  const send = (n: number, more: object = {}) =>
    router.appendBatch(ID, ANN, [{ ...text(n), ...more }], pipeline);
  await send(1);
  const bad = send(2, { inReplyTo: 9 });
  const good = send(3);
  await expect(bad).rejects.toMatchObject({ code: 'invalid_in_reply_to' });
  expect(await good).toMatchObject([{ index: 2 }]);
  for (let n = 4; n <= 501; n++) await send(n);
  await expect(send(502)).rejects.toMatchObject({ code: 'rate_limited' });
  router.setRateLimitEnabled(false);
  await expect(send(503)).rejects.toMatchObject({ code: 'earlier_refused', status: 409, retryable: true });
  expect(await send(1)).toMatchObject([{ index: 1 }]);
  await expect(send(503)).rejects.toMatchObject({ code: 'earlier_refused' });
  await send(502);
  expect(await send(503)).toMatchObject([{ index: 502 }]);
});

test('a refused duplicate of a stored message blocks no later message, because its sender need not send it again', async () => {
  const router = await Router.forTesting();
  await router.create({ processId: 'p', submitterId: 'ann', name: 'c' });
  const pipeline = new Pipeline();
  const sent = [...Array.from({ length: 499 }, (_, i) => i + 1), 499, 499, 500];
  const answers = await Promise.all(
    sent.map((n) => router.appendBatch(ID, ANN, [text(n)], pipeline).catch(({ code }) => code)),
  );
  // The bucket had 500 tokens: the second copy is refused, as are the 500 behind it; only those 500 must be sent again.
  expect(answers.slice(500)).toEqual(['rate_limited', 'earlier_refused']);
  router.setRateLimitEnabled(false);
  expect(await router.appendBatch(ID, ANN, [text(500)], pipeline)).toMatchObject([{ index: 500 }]);
  expect(await router.appendBatch(ID, ANN, [text(501)], pipeline)).toMatchObject([{ index: 501 }]);
});

test('an unexpected failure is final for its sender and blocks no later message', () => {
  const errors = [new LogError('store_unavailable', 'EIO'), new TypeError('unforeseen')];
  for (const error of errors) {
    const pipeline = new Pipeline();
    pipeline.refuse([text(1)], error);
    expect(() => pipeline.enter([text(2)])).not.toThrow();
    pipeline.refuse([text(2)], new LogError('log_full', 'the disk is full'));
    expect(() => pipeline.enter([text(3)])).toThrow('sequence 2 was refused, and comes before 3');
  }
});
