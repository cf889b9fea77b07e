import { silentLogger } from '@weir/base';
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from './bus-limits.js';
import { GroupAnswers } from './group-answers.js';

test('senders of unused delays are deleted, so that their number stays bounded', async () => {
  const settled: string[] = [];
  let release = () => {};
  const sending = new Promise<void>((resolve) => {
    release = resolve;
  });
  const answers = new GroupAnswers({
    group: 'g',
    limits: DEFAULT_LIMITS,
    log: silentLogger,
    call: () => sending,
    onSettled: (ids) => void settled.push(...ids),
  });
  for (let i = 0; i < 100; i += 1) answers.nack([`d${i}`], i);
  expect(answers.delays).toBe(100);
  release();
  await answers.sent();
  expect(settled).toHaveLength(100);
  expect(answers.delays).toBe(0);
  answers.nack(['again'], 5);
  await answers.sent();
  expect(settled).toContain('again');
});
