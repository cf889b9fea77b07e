import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeEvent } from '../decode.js';
import { EventScan } from './event-scan.js';

const AT = '2026-01-02T03:04:05.678Z';

function scan(text: string) {
  return new EventScan(Buffer.from(text)).event(0);
}

/** Decodes an ordinary event without the scan. */
function decode(text: string) {
  return decodeEvent(JSON.parse(text));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Names that a JavaScript object keeps in insertion order. */
const name = fc.string({ unit: 'binary' }).filter((text) => !/^\d+$/.test(text));
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(
      null,
      true,
      false,
      0,
      -1,
      1.5,
      1e300,
      5e-7,
      123_456_789_012_345,
      '',
      'é\u2028',
      '\n"\\/',
      '\ud800',
    ),
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
}));
const event = fc.record(
  {
    event: fc.oneof(fc.string(), value),
    timestamp: fc.oneof(fc.constantFrom(AT, '2026-01-02T03:04:05+02:00', 'soon'), value),
    event_id: value,
    anonymous_id: fc.oneof(fc.string(), value),
    user_id: fc.constantFrom('u-1', 'é', '', null, 7, 'a\nb'),
    session_id: fc.constantFrom('s-1', 'undefined', ' '),
    properties: fc.oneof(
      { weight: 5, arbitrary: fc.dictionary(name, value) },
      { weight: 1, arbitrary: value },
    ),
    eventId: fc.constant('alias'),
    plan: value,
    'a "key" \\ é': value,
  },
  { requiredKeys: ['event', 'timestamp'] },
);

test('an event that the scan reads equals the one that JSON.parse reads', () => {
  fc.assert(
    fc.property(event, fc.constantFrom(undefined, 1, '\t'), (one, space) => {
      const text = JSON.stringify(one, null, space);
      const scanned = scan(text);
      expect(scanned).not.toBeUndefined();
      if (scanned !== null) expect(scanned).toEqual(decode(text));
    }),
    { numRuns: 2_000 },
  );
});

test('the scan accepts a text as JSON exactly when JSON.parse does', () => {
  const damage = fc.record({
    whole: event.map((one) => JSON.stringify(one)),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(2),
    put: fc.constantFrom(
      '',
      ',',
      ':',
      '"',
      '[',
      ']',
      '{',
      '}',
      '\\',
      '1',
      '-',
      '.',
      'e',
      '0',
      'u',
      '\t',
      '\\u12g4',
      'nul',
    ),
  });
  fc.assert(
    fc.property(damage, ({ whole, at, cut, put }) => {
      const place = Math.floor(at * whole.length);
      const text = Buffer.from(whole.slice(0, place) + put + whole.slice(place + cut)).toString();
      const bytes = Buffer.from(text);
      const scanner = new EventScan(bytes);
      const isWhole = scanner.event(0) !== undefined && scanner.end === bytes.length;
      // White space around the value is not part of it.
      expect(isWhole).toBe(isJson(text) && text === text.trim());
    }),
    { numRuns: 5_000 },
  );
});

test.each([
  ['plain', '{"n":1,"x":-0.5,"s":"a\\n\\"b\\"","o":{"n":[true,null]},"é":"ü"}'],
  ['digits as they were sent', '{"price":1.50,"zero":1.0}'],
  ['no names', '{}'],
])('an ordinary event keeps the text of its properties: %s', (_, properties) => {
  const text = `{ "event": "e","timestamp":"${AT}", "user_id":null,"properties":${properties}}`;
  expect(scan(text)).toMatchObject({ event: 'e', timestamp: Date.parse(AT), user_id: null, properties });
});

test('members that Weir does not know are extras', () => {
  const text = `{"plan" : "pro","event":"e","timestamp":"${AT}","__proto__":{ "a":1 }}`;
  expect(scan(text)).toMatchObject({ properties: '{}', extras: '{"plan":"pro","__proto__":{"a":1}}' });
});

test('white space between the tokens of properties is removed, and kept in their strings', () => {
  const text = `{"event":"e","timestamp":"${AT}","properties":{ "a b" :\n[ 1 , " \\" " ] }}`;
  expect(scan(text)).toMatchObject({ properties: '{"a b":[1," \\" "]}' });
});

test.each([
  ['an alias', '"userId":"u"'],
  ['extras', '"extras":{}'],
  ['an unknown member twice', '"plan":1,"plan":2'],
  ['more unknown members than are kept apart', Array.from({ length: 33 }, (_, i) => `"n${i}":1`).join()],
  ['a field twice', '"user_id":"a","user_id":"b"'],
  ['a name of properties twice', '"properties":{"ab":1,"b":2,"ab":3}'],
  ['a name twice, once with an escape', '"properties":{"a":1,"\\u0061":3}'],
  ['an escape that is not written again', '"properties":{"a":"\\u0041"}'],
  ['an escaped slash', '"properties":{"a":"\\/"}'],
  ['an exponent', '"properties":{"a":1e3}'],
  ['a long integer', '"properties":{"a":1234567890123456}'],
  ['a negative zero', '"properties":{"a":-0}'],
  ['a long fraction', '"properties":{"a":0.12345678901234567890123}'],
  [
    'more names than are compared',
    `"properties":{${Array.from({ length: 65 }, (_, i) => `"n${i}":1`).join()}}`,
  ],
  ['an id with an escape', '"user_id":"a\\nb"'],
  ['an id that is a number', '"user_id":7'],
  ['an id that stands for none', '"user_id":"Undefined"'],
])('an event with %s is left to the parser', (_, member) => {
  expect(scan(`{"event":"e","timestamp":"${AT}",${member}}`)).toBeNull();
});

test('a value nested deeper than the scan supports is left to the parser', () => {
  const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  expect(scan(nested(100))).toBeNull();
  expect(scan(nested(101))).toBeUndefined();
});

test('names that were chosen to collide cost at most a thousand comparisons', () => {
  const alike = Array.from(
    { length: 64 },
    (_, i) => `"x${String.fromCharCode(0x40 + i).replace('\\', '~')}xx":1`,
  );
  const objects = (count: number) => `[${Array.from({ length: count }, () => `{${alike.join()}}`).join()}]`;
  const withObjects = (text: string) => `{"event":"e","timestamp":"${AT}","properties":{"list":${text}}}`;
  expect(scan(withObjects(objects(1)))).toBeNull();
  const few = `[{${alike.slice(0, 8).join()}}]`;
  expect(scan(withObjects(few))).toMatchObject({ properties: `{"list":${few}}` });
});
