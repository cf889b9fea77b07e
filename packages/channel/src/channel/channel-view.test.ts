import { expect, test } from 'vitest';
import { Router } from './index.js';
import { ANN, bob, text } from './testing/people.js';

const ID = 'p_c';
const CHANNEL = { processId: 'p', submitterId: 'ann', executorId: 'bob', name: 'c' };

test('every permitted reader sees the channel with its own part in it', async () => {
  const router = await Router.withoutRateLimit();
  await router.create(CHANNEL);
  await router.append(ID, ANN, text(0));
  await router.append(ID, ANN, text(7));
  const reader = await router.subscribe(ID, bob());
  const all = { channel: { id: ID, attempt: 1 }, entries: 2, lastIndex: 2, subscribers: 1 };
  expect(await router.inspect(ID, ANN)).toMatchObject({ ...all, role: 'submitter', sequence: 7 });
  expect(await router.inspect(ID, bob())).toMatchObject({ ...all, role: 'executor', sequence: null });
  const observer = { observerId: 'eve' };
  expect(await router.inspect(ID, observer)).toMatchObject({ ...all, role: 'observer', sequence: null });
  await expect(router.inspect(ID, { credentialId: 'eve' })).rejects.toMatchObject({ code: 'forbidden' });
  await expect(router.inspect(ID, bob(2))).rejects.toMatchObject({ code: 'stale_attempt' });
  router.unsubscribe(reader);
  await router.closeProcess('p', 'success');
  expect(await router.inspect(ID, ANN)).toMatchObject({ end: { reason: 'success', lastIndex: 2 } });
});

test('a subscription reports its end while its consumer is busy, and subscriptions are counted over all channels', async () => {
  const router = await Router.withoutRateLimit();
  await router.create(CHANNEL);
  await router.create({ ...CHANNEL, name: 'd' });
  await router.append(ID, ANN, text(1));
  let ended = 0;
  const onEnd = () => {
    ended += 1;
  };
  const stale = await router.subscribe(ID, bob(), { onEnd });
  const frames = stale[Symbol.asyncIterator]();
  await frames.next();
  const other = await router.subscribe('p_d', ANN, { onEnd });
  expect([router.subscribers, ended]).toEqual([2, 0]);
  await router.setExecutorIdForProcess('p', 'bea');
  expect([router.subscribers, ended]).toEqual([1, 1]);
  await expect(frames.next()).rejects.toMatchObject({ code: 'stale_attempt' });
  router.unsubscribe(other);
  expect([router.subscribers, ended]).toEqual([0, 2]);
});
