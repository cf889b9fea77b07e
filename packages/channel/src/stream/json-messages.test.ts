import { Slice } from '@weir/base';
import { leastCpu } from '@weir/base/testing';
import { openLog } from '@weir/log';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StreamError, StreamStore } from './index.js';
import { messagesOf as cut } from './json-messages.js';
import { appendOf, JSON_STREAM } from './testing/appends.js';

const spaced = fc
  .tuple(fc.json(), fc.constantFrom('', ' ', '\n\t', '\r\n '), fc.constantFrom(undefined, 0, 1, '\t'))
  .map(([json, space, indent]) => space + JSON.stringify(JSON.parse(json), null, indent) + space);

/** Mostly JSON, with an error in it. */
const damaged = fc
  .tuple(spaced, fc.nat(), fc.nat(3), fc.constantFrom(...'[]{}",:\\ 01-+.eEu/tfnx\u0001é', ''))
  .map(([text, at, drop, put]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + put + text.slice(place + drop);
  });

const messagesOf = (body: Buffer) => cut(body, new Slice());

const numbers = fc.stringMatching(/^[-+]?[0-9]{0,3}(\.[0-9]{0,2})?([eE][-+]?[0-9]{0,2})?$/);
const strings = fc.stringMatching(/^"([a-z]|\\["\\/bfnrtux]|\\u[0-9a-fA-Fg]{3,4}|\t){0,4}"$/);

function parsed(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

test('validation agrees with JSON.parse, and the messages are its elements', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(spaced, damaged, numbers, strings), async (text) => {
      const known = parsed(text);
      if (known === null) {
        await expect(messagesOf(Buffer.from(text))).rejects.toThrow(StreamError);
        return;
      }
      const { payload, count } = await messagesOf(Buffer.from(text));
      const messages: unknown = JSON.parse(`[${Buffer.from(payload)}]`);
      expect(messages).toEqual(Array.isArray(known.value) ? known.value : [known.value]);
      expect(count).toBe(Array.isArray(known.value) ? known.value.length : 1);
      expect(Buffer.from(payload).toString()).toBe(Buffer.from(payload).toString().trim());
    }),
    { numRuns: 5000 },
  );
});

test('a large body of many values is checked without building them, and does not block the event loop', async () => {
  const body = Buffer.from(`[${'[],'.repeat(3_400_000)}1]`);
  const text = body.toString();
  const building = await leastCpu(() => JSON.parse(text));
  const checking = await leastCpu(async () => expect((await messagesOf(body)).count).toBe(3_400_001));
  expect(checking).toBeLessThan(building / 2);
});

test.each([
  ['a string', `"${'x\\n'.repeat(3_000_000)}"`],
  ['a name', `{"${'x'.repeat(9_000_000)}":1}`],
  ['many values', `[${'{"a":"b"},'.repeat(900_000)}1]`],
])('checking %s of nine megabytes gives up the event loop', async (_what, text) => {
  let turns = 0;
  const count = setInterval(() => {
    turns += 1;
  }, 0);
  await messagesOf(Buffer.from(text));
  clearInterval(count);
  expect(turns).toBeGreaterThan(2);
});

test.each([
  ['white space', `[1${' '.repeat(70_000)}]`],
  ['digits', '1'.repeat(70_000)],
])('a body with tens of thousands of %s in a row is refused', async (_what, text) => {
  await expect(messagesOf(Buffer.from(text))).rejects.toThrow(StreamError);
});

test('invalid or too deeply nested JSON is refused, and none of it is stored', async () => {
  const store = await StreamStore.open({ log: await openLog({ engine: 'memory' }) });
  await store.create('p', 'j', JSON_STREAM);
  const stream = await store.open('p', 'j');
  const send = (body: Buffer) => stream.append({ ...appendOf(''), body, contentType: 'application/json' });
  for (const text of ['', '{', '[1,]', '"\u0001"', '[]', '\u00a0', '['.repeat(1_001) + ']'.repeat(1_001)]) {
    await expect(send(Buffer.from(text))).rejects.toMatchObject({ code: 'invalid_message' });
  }
  await expect(send(Buffer.from('"\xff"', 'latin1'))).rejects.toMatchObject({ code: 'invalid_message' });
  await send(Buffer.from('['.repeat(1_000) + ']'.repeat(1_000)));
  await send(Buffer.from('\ufeff{"in a string": "[[[[{{{{\\""}'));
  expect((await stream.read(1)).payloads.map(String)).toEqual(['{"in a string": "[[[[{{{{\\""}']);
});
