import { leastCpu } from '@weir/base/testing';
import { expect, test } from 'vitest';
import { scrub } from './engine-text.js';

test('quoted values of others are masked, also after a quote without an end', () => {
  const own = ["it's mine"];
  expect(scrub("cannot parse 'theirs' and `theirs too` as 'String'", own)).toBe(
    "cannot parse '…' and `…` as 'String'",
  );
  expect(scrub("a 'quo\\'te' of `back\\`tick`", own)).toBe("a '…' of `…`");
  expect(scrub("it's mine, `theirs`", own)).toBe("it's mine, `…`");
});

test.each(["\\'", "\\`'", "`\\'"])('a text of thousands of %j takes linear time', async (text) => {
  const scrubbing = (length: number, runs: number) => {
    const long = `'${text.repeat(length / text.length)}`;
    return leastCpu(() => {
      for (let run = 0; run < runs; run += 1) scrub(long, []);
    });
  };
  // The same number of characters: with quadratic time, the long texts take 16 times as long.
  expect(await scrubbing(16_000, 50)).toBeLessThan(4 * (await scrubbing(1_000, 800)));
});
