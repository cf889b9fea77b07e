import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { StdinStream } from './stdin-stream.js';
import { Follower } from './testing/follower.js';

test('yields each line, including an unterminated last one, and ends with its input', async () => {
  const bytes = Buffer.from('{"n":1}\r\n\nzwei ✓\n{"n":3}');
  const input = Readable.from([...bytes].map((byte) => Buffer.from([byte])));
  const follower = new Follower(new StdinStream(input));
  expect(await follower.ended).toBeUndefined();
  expect(follower.payloads).toEqual([{ n: 1 }, { line: 'zwei ✓' }, { n: 3 }]);
  expect(new Set(follower.items.map(({ event }) => event.event_id)).size).toBe(3);
  expect(follower.states).toEqual(['connected']);
});

test('skips a line above 1 MiB', async () => {
  const input = Readable.from([Buffer.from('a\n'), Buffer.alloc(2_000_000, 'x'), Buffer.from('\nb\n')]);
  const follower = new Follower(new StdinStream(input));
  await follower.ended;
  expect(follower.payloads).toEqual([{ line: 'a' }, { line: 'b' }]);
  expect(follower.gaps).toEqual([{ missed: 1, message: expect.stringContaining('2000001 bytes') }]);
});

test('reads no more than its reader requests, and ends when aborted', async () => {
  const input = new PassThrough({ highWaterMark: 1024 });
  const ending = new AbortController();
  const events = new StdinStream(input).follow({ onState: () => {}, onGap: () => {} }, ending.signal);
  let written = 0;
  while (input.write(`{"n":${written}}\n`)) written += 1;
  expect(await events.next()).toMatchObject({ value: { event: { payload: { n: 0 } } } });
  while (input.write(`{"n":${written}}\n`)) written += 1;
  expect(input.writableLength + input.readableLength).toBeLessThan(8 * 1024);
  ending.abort();
  const rest = [];
  for await (const event of events) rest.push(event);
  expect(rest.length).toBeLessThanOrEqual(written + 2);
});
