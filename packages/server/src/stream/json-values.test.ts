import { expect, test } from 'vitest';
import { jsonValuesOf } from './json-values.js';

test('a body of so many values that building them would keep others waiting is refused before', () => {
  const begun = performance.now();
  for (const text of [`[${'[],'.repeat(3_000_000)}1]`, `{"t":[${'0,'.repeat(3_000_000)}1]}`]) {
    expect(() => jsonValuesOf(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'invalid_message' }),
    );
  }
  expect(performance.now() - begun).toBeLessThan(4000);
  const text = `{"t": "${'[,]'.repeat(300_000)}"}`;
  expect(jsonValuesOf(Buffer.from(`[${text} , 1]`)).map((one) => one.text)).toEqual([text, '1']);
});
