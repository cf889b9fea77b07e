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

test.each(["\\'", "\\`'", "`\\'"])('a text of thousands of %j takes linear time', (text) => {
  const long = `'${text.repeat(8_000 / text.length)}`;
  const begun = performance.now();
  for (let run = 0; run < 100; run += 1) scrub(long, []);
  // Quadratic time would take 400 ms to seconds.
  expect(performance.now() - begun).toBeLessThan(350);
});
