import { openLog } from '@weir/log';
import { expect, test } from 'vitest';
import { Router } from './index.js';
import { ANN, text, textOf } from './testing/people.js';

const ID = 'p_c';

test('a duplicate refused because of a message that was then not stored fails with the error of that message', async () => {
  const log = await openLog({ engine: 'memory', maxBytes: 10_000 });
  const router = new Router({ log });
  await router.create({ processId: 'p', submitterId: 'ann', name: 'c' });
  await log.append('filler', [Buffer.alloc(6000)]);
  const large = 'x'.repeat(5000);
  const pairs = [
    [{ ...text(1, large), type: 'end' }, text(2)],
    [text(2, large), text(1)],
    [text(1, large), text(1, 'other')],
  ] as const;
  for (const pair of pairs) {
    const both = await Promise.allSettled(pair.map((message) => router.appendBatch(ID, ANN, [message])));
    for (const one of both) expect(one).toMatchObject({ reason: { code: 'log_full' } });
  }
  await log.remove('filler');
  await Promise.all([1, 2].map((n) => router.appendBatch(ID, ANN, [text(n)])));
  expect((await router.readAfter(ID, ANN, 0)).entries.map(textOf)).toEqual(['m1', 'm2']);
});
