import { leastCpu } from '@weir/base/testing';
import { StreamError } from '@weir/channel/stream';
import { expect, test } from 'vitest';
import { jsonValuesOf } from './json-values.js';

const valuesOf = (text: string) => jsonValuesOf(Buffer.from(text), 'p');

test('a body with too many values is rejected before they are built', async () => {
  for (const text of [`[${'[],'.repeat(3_000_000)}1]`, `{"t":[${'0,'.repeat(3_000_000)}1]}`]) {
    const body = Buffer.from(text);
    const parsing = await leastCpu(() => JSON.parse(text));
    const refusing = await leastCpu(() =>
      expect(jsonValuesOf(body, 'p')).rejects.toMatchObject({ code: 'invalid_message' }),
    );
    expect(refusing).toBeLessThan(parsing / 2);
  }
  await expect(valuesOf('['.repeat(1_001))).rejects.toThrow(StreamError);
  const text = `{"t": "${'[,]'.repeat(300_000)}"}`;
  expect((await valuesOf(`[${text} , 1]`)).map((one) => one.text)).toEqual([text, '1']);
});

test('each value keeps its source text', async () => {
  const values = await valuesOf(' [ 12345678901234567890 ,\n{"a": "é,]"} , [] ] ');
  expect(values.map((one) => one.text)).toEqual(['12345678901234567890', '{"a": "é,]"}', '[]']);
  expect(values.map((one) => one.value)).toEqual([Number('12345678901234567890'), { a: 'é,]' }, []]);
  expect(await valuesOf(' 1.50 ')).toEqual([{ value: 1.5, text: '1.50' }]);
  expect(await valuesOf('[ ]')).toEqual([]);
});
