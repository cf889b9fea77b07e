import { PIECE_BYTES, Slice } from '@weir/base';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IngestError } from '../errors.js';
import { decodeBatch } from './decode-batch.js';
import { type BodyFormat, readEnvelope } from './envelope.js';

const AT = Date.parse('2026-01-02T03:04:05.678Z');
/** White space that makes a body too long to be parsed as a whole. */
const PADDING = ' '.repeat(PIECE_BYTES + 1);

async function outcome(text: string, format: BodyFormat = 'json', maxEvents = 100_000) {
  const slice = new Slice();
  try {
    const envelope = await readEnvelope(Buffer.from(text), format, maxEvents, slice);
    return { token: envelope.token, ...(await decodeBatch(envelope, AT, slice)) };
  } catch (error) {
    if (error instanceof IngestError) return error.code;
    throw error;
  }
}

const value = fc.jsonValue({ maxDepth: 3 });
const event = fc.record(
  {
    event: fc.oneof({ weight: 5, arbitrary: fc.string() }, { weight: 1, arbitrary: value }),
    timestamp: fc.oneof(
      fc.constant(AT),
      fc.date().map((date) => date.getTime()),
      value,
    ),
    user_id: fc.oneof(fc.string(), value),
    properties: value,
    'a "key" \\ é': value,
  },
  { requiredKeys: [] },
);

test('a split body gives the same events and rejections as one that is parsed as a whole', async () => {
  const body = fc.record({
    events: fc.array(fc.oneof({ weight: 5, arbitrary: event }, { weight: 1, arbitrary: value }), {
      maxLength: 20,
    }),
    envelope: fc.record(
      { token: value, sent_at: fc.constantFrom(null, AT - 5_000, 'now'), other: value },
      { requiredKeys: [] },
    ),
  });
  await fc.assert(
    fc.asyncProperty(body, fc.constantFrom(undefined, 1), async ({ events, envelope }, space) => {
      const text = JSON.stringify({ ...envelope, events }, null, space);
      expect(await outcome(text + PADDING)).toEqual(await outcome(text));
      expect(await outcome(PADDING + text)).toEqual(await outcome(text));
      // White space between the events shifts the places of the cuts.
      const spaced = JSON.stringify({ ...envelope, events: [] }).replace(
        '"events":[]',
        () => `"events":[${events.map((one) => JSON.stringify(one)).join(`,${PADDING}`)}]`,
      );
      expect(await outcome(spaced)).toEqual(await outcome(text));
    }),
    { numRuns: 60 },
  );
});

test('events are the same whether they are scanned in an envelope or parsed as an array', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 5 }),
      fc.constantFrom(undefined, 1, '\t'),
      async (events, space) => {
        const inEnvelope = await outcome(JSON.stringify({ events }, null, space));
        expect(inEnvelope).toEqual(await outcome(JSON.stringify(events)));
      },
    ),
    { numRuns: 300 },
  );
});

test('numbers keep the digits that were sent, in every form of a body', async () => {
  const properties = '{"a":1.50,"b":[1.0,2E3,-0,12345678901234567890]}';
  const one = `{"event":"e","timestamp":${AT},"properties":${properties}}`;
  for (const [text, format] of [
    [`{"events":[${one}]}`, 'json'],
    [`{"events":[${one}]}${PADDING}`, 'json'],
    [`{"batch":[${one}]}`, 'json'],
    [`[${one}]`, 'json'],
    [one, 'json'],
    [one + PADDING, 'json'],
    [one, 'ndjson'],
  ] as const) {
    expect(await outcome(text, format)).toMatchObject({ valid: [{ properties }] });
  }
});

test('a small fraction keeps its digits in an event that is left to the parser', async () => {
  const properties = '{"a":0.0000001,"b":-0.00000025}';
  const one = `{"event":"e","timestamp":${AT},"userId":"u","properties":${properties}}`;
  expect(await outcome(`{"events":[${one}]}`)).toMatchObject({ valid: [{ properties }] });
});

test.each([
  '{1.5 :1}',
  '{"a":{-0 :1}}',
  '{"a":[{12345678901234567890\t:1}]}',
  '{"a":01.5}',
  '{"a":-}',
  '{"a":1.5 1.5}',
  '{"a":1e5"b"}',
])('properties with a misplaced number are rejected in every form of a body: %s', async (properties) => {
  const one = `{"event":"e","timestamp":${AT},"properties":${properties}}`;
  expect(await outcome(`{"events":[${one}]}`)).toBe('invalid_json');
  expect(await outcome(`[${one}]`)).toBe('invalid_json');
  expect(await outcome(one)).toBe('invalid_json');
  expect(await outcome(`{"events":[${one}]${PADDING}}`)).toBe('invalid_json');
  expect(await outcome(one, 'ndjson')).toMatchObject({ valid: [], rejected: [{ index: 0 }] });
});

test('an error names the offset of a mistake after numbers that keep their digits', async () => {
  const text = '{"events":[1.50,{"a":1,"b" 2}]}';
  const place = text.indexOf('2}');
  await expect(readEnvelope(Buffer.from(text), 'json', 10, new Slice())).rejects.toThrow(`position ${place}`);
});

test('a damaged split body is rejected like one that is parsed as a whole', async () => {
  const damage = fc.record({
    events: fc.array(event, { maxLength: 3 }),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(2),
    put: fc.constantFrom('', ',', ':', '"', '[', ']', '{', '}', '\\', '1'),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ events, at, cut, put }) => {
      const whole = JSON.stringify({ sent_at: AT, events });
      const place = Math.floor(at * whole.length);
      const text = Buffer.from(whole.slice(0, place) + put + whole.slice(place + cut)).toString();
      const expected = await outcome(text);
      const cutText = await outcome(text + PADDING);
      // Which of two mistakes is reported may differ.
      if (typeof expected === 'string' && typeof cutText === 'string') return;
      expect(cutText).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});

test('NDJSON gives the same events and rejections whether its lines fit into one group or not', async () => {
  const line = fc.oneof(
    event.map((one) => JSON.stringify(one)),
    fc.constantFrom('', ' ', '\r', 'nope', '{"event":1', '[]', '\t{}'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 30 }), async (lines) => {
      const padded = lines.map((one) => PADDING.slice(0, PIECE_BYTES / 4) + one);
      expect(await outcome(padded.join('\n'), 'ndjson')).toEqual(await outcome(lines.join('\n'), 'ndjson'));
    }),
    { numRuns: 60 },
  );
});

test('an event that is too large or has too many values or names is rejected alone, without parsing', async () => {
  const good = { event: 'e', timestamp: AT };
  const long = `{"event":"e","timestamp":${AT},"x":"${'\\u0041'.repeat(600_000)}"}`;
  const many = `{"event":"e","timestamp":${AT},"x":[${'0,'.repeat(30_001)}0]}`;
  const names = `{"event":"e","timestamp":${AT},${Array.from({ length: 10_001 }, (_, i) => `"k${i}":1`).join(',')}}`;
  const expected = {
    valid: [{ event: 'e' }, { event: 'e' }],
    rejected: [
      { index: 1, reason: 'event larger than 1 MiB' },
      { index: 2, reason: 'event holds more than 30000 values' },
      { index: 3, reason: 'event holds more than 10000 names' },
    ],
  };
  const texts = [JSON.stringify(good), long, many, names, JSON.stringify(good)];
  for (const comma of [',', ' ,\n', ' , ']) {
    expect(await outcome(`{"events":[${texts.join(comma)}]}`)).toMatchObject(expected);
  }
  expect(await outcome(texts.join('\n'), 'ndjson')).toMatchObject(expected);
});

test('a byte order mark before the text is skipped', async () => {
  const event = JSON.stringify({ event: 'e', timestamp: AT });
  for (const padding of ['', PADDING]) {
    expect(await outcome(`\ufeff{"events":[${event}]}${padding}`)).toMatchObject({ valid: [{ event: 'e' }] });
    expect(await outcome(`\ufeff${event}${padding}`, 'ndjson')).toMatchObject({ valid: [{ event: 'e' }] });
  }
});

test('more events than the limit are rejected before they are parsed', async () => {
  const text = `{"events":[${'x,'.repeat(PIECE_BYTES)}`;
  expect(await outcome(text, 'json', 1_000)).toBe('batch_too_large');
  expect(await outcome('x\n'.repeat(PIECE_BYTES), 'ndjson', 1_000)).toBe('batch_too_large');
  expect(await outcome('{"events":[1,2,3]}', 'json', 2)).toBe('batch_too_large');
});

test('properties of 500 levels are stored, and deeper ones rejected, in a small and in a large body', async () => {
  const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
  const body = (levels: number) =>
    `{"events":[{"event":"e","timestamp":${AT},"properties":${nested(levels)}}]}`;
  for (const padding of ['', PADDING]) {
    expect(await outcome(body(500) + padding)).toMatchObject({ valid: [{ properties: nested(500) }] });
    for (const levels of [501, 9_000]) {
      expect(await outcome(body(levels) + padding)).toMatchObject({
        rejected: [{ index: 0, reason: 'properties nested deeper than 500' }],
      });
    }
  }
});

test('decoding a large batch yields to the event loop', async () => {
  const events = Array.from({ length: 30_000 }, (_, i) => ({ event: 'e', timestamp: AT, properties: { i } }));
  let turns = 0;
  const count = setInterval(() => {
    turns += 1;
  }, 0);
  expect(await outcome(JSON.stringify({ events }))).toMatchObject({ valid: { length: 30_000 } });
  clearInterval(count);
  expect(turns).toBeGreaterThan(5);
});

test.each<[string, string, RegExp]>([
  ['', 'the body is empty', /"events"/],
  [' \n', 'the body is empty', /"events"/],
  ['{"event":"a"}\n{"event":"b"}\n', 'the body is not JSON: ', /content-type: application\/x-ndjson/],
  [`{"event":"a"}\r\n\n${PADDING}{"event":"b"}`, 'the body is not JSON: ', /"events"|x-ndjson/],
  ['{"event":"a"', 'the body is not JSON: ', /^send \{"events"/],
])('a body that is not JSON is refused with what to send: %j', async (text, message, hint) => {
  const reading = readEnvelope(Buffer.from(text), 'json', 10, new Slice());
  await expect(reading).rejects.toMatchObject({
    code: 'invalid_json',
    message: expect.stringContaining(message),
    hint: expect.stringMatching(hint),
  });
});
