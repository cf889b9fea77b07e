import { Slice } from '@weir/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecodedBatch, decodeBatch } from './body/decode-batch.js';
import { type BodyFormat, readEnvelope } from './body/envelope.js';
import type { IngestError } from './errors.js';
import type { Event } from './event.js';
import { validateBatch } from './validate.js';

const AT = Date.parse('2026-01-02T03:04:05.678Z');
const INVALID_TIME =
  'timestamp invalid: send RFC 3339 with a zone (2026-11-30T10:00:00Z) or integer epoch milliseconds';

async function decodeBody(body: Buffer, format: BodyFormat = 'json'): Promise<DecodedBatch> {
  const slice = new Slice();
  return await decodeBatch(await readEnvelope(body, format, Number.POSITIVE_INFINITY, slice), AT, slice);
}
function decode(events: unknown[], envelope: object = {}) {
  return decodeText(JSON.stringify({ ...envelope, events }));
}
function decodeText(text: string) {
  return decodeBody(Buffer.from(text));
}
async function one(fields: object) {
  const { valid, rejected } = await decode([{ event: 'e', timestamp: AT, ...fields }]);
  return valid[0] ?? rejected[0]?.reason;
}
async function codeOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
  } catch (error) {
    return (error as IngestError).code;
  }
  return 'none';
}

describe('timestamps', () => {
  it.each([
    ['2026-01-02T03:04:05.678Z', AT],
    ['2026-01-02T03:04:05.678999Z', AT],
    ['2026-01-02t05:04:05.678+02:00', AT],
    [AT, AT],
    [100_000_000_000, 100_000_000_000],
    ['1970-01-01T00:00:00Z', 0],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2199-12-31T23:59:59.999Z', Date.UTC(2200, 0, 1) - 1],
  ])('%s is taken', async (timestamp, ms) => {
    expect(await one({ timestamp })).toMatchObject({ timestamp: ms });
  });

  it.each([null, '0001-01-01T00:00:00Z', undefined])('%s counts as missing', async (timestamp) => {
    expect(await one({ timestamp })).toBe('timestamp required');
  });

  it.each([
    1.5,
    '1767323045678',
    '2026-01-02T03:04:05',
    '2026-01-02',
    'now',
    '2026-02-30T00:00:00Z',
    true,
    {},
    '',
  ])('%s is invalid', async (timestamp) => {
    expect(await one({ timestamp })).toBe(INVALID_TIME);
  });

  it.each(['1e12', '1767323045678.0', '1.767323045678e12'])(
    'the number %s is invalid as written',
    async (digits) => {
      const { rejected } = await decodeText(
        `{"events":[{"event":"e","timestamp":${digits}},{"event":"e","timestamp":${AT}}]}`,
      );
      expect(rejected).toEqual([{ index: 0, reason: INVALID_TIME }]);
    },
  );

  it('rejects a time from 2200 on', async () => {
    expect(await one({ timestamp: Date.UTC(2200, 0, 1) })).toMatch(/^timestamp out of range/);
  });

  it.each([0, 1, -1, 1_796_007_469, 99_999_999_999])('%s looks like seconds', async (timestamp) => {
    expect(await one({ timestamp })).toBe('timestamp looks like seconds; send milliseconds or RFC 3339');
  });
});

describe('fields', () => {
  it('merges unknown members into extras, stray keys over the explicit object', async () => {
    expect(await one({ a: 1, extras: { a: 0, b: 2 } })).toMatchObject({ extras: '{"a":1,"b":2}' });
    expect(await one({ extras: null })).toMatchObject({ extras: '{}' });
    expect(await one({ extras: [1] })).toMatchObject({ extras: '{"extras":[1]}' });
  });

  it('accepts aliases, snake case first, the other kept in extras', async () => {
    expect(await one({ userId: 'u', eventId: 'i' })).toMatchObject({
      user_id: 'u',
      event_id: 'i',
      extras: '{}',
    });
    expect(await one({ user_id: 'a', userId: 'b' })).toMatchObject({
      user_id: 'a',
      extras: '{"userId":"b"}',
    });
  });

  it('defaults properties and rejects a value that is not an object', async () => {
    for (const properties of [undefined, null, '', {}])
      expect(await one({ properties })).toMatchObject({ properties: '{}' });
    for (const properties of [[], 1, 'x'])
      expect(await one({ properties })).toBe('properties must be an object');
  });

  it('reports the first error of each bad event and accepts the others', async () => {
    const { valid, rejected } = await decode([
      {},
      { event: '' },
      { event: 'a' },
      { event: 1, timestamp: AT },
      7,
      null,
      { event: 'ok', timestamp: AT },
      { event: 'a', timestamp: AT, user_id: true },
      { event: 'weir.x', timestamp: AT },
      { event: 'x'.repeat(513), timestamp: AT },
      { event: 'a', timestamp: AT, anonymous_id: 'é'.repeat(513) },
      { event: 'a', timestamp: AT, properties: { p: 'x'.repeat(1024 * 1024) } },
    ]);
    expect(valid.map(({ event }) => event)).toEqual(['ok']);
    expect(rejected).toEqual([
      { index: 0, reason: 'event required' },
      { index: 1, reason: 'event required' },
      { index: 2, reason: 'timestamp required' },
      { index: 3, reason: 'event must be a string' },
      { index: 4, reason: 'event must be an object' },
      { index: 5, reason: 'event must be an object' },
      { index: 7, reason: 'user_id must be a string, an integer or null' },
      { index: 8, reason: 'event reserved: names starting with "weir." are Weir\'s own' },
      { index: 9, reason: 'event longer than 512 bytes' },
      { index: 10, reason: 'anonymous_id longer than 1024 bytes' },
      { index: 11, reason: 'event larger than 1 MiB' },
    ]);
  });

  it('keeps hostile keys as data', async () => {
    const text = `{"events":[{"event":"e","timestamp":${AT},"__proto__":{"x":1},"constructor":2,"properties":{"__proto__":{"y":1},"a":1,"a":2}}]}`;
    const { valid } = await decodeText(text);
    expect(valid[0]?.extras).toBe('{"__proto__":{"x":1},"constructor":2}');
    expect(valid[0]?.properties).toBe('{"__proto__":{"y":1},"a":2}');
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it('stores NUL, and rejects lone surrogates in ids only for their event', async () => {
    expect(await one({ user_id: 'a\u0000b' })).toMatchObject({ user_id: 'a\u0000b' });
    expect(await one({ user_id: '\ud800' })).toBe('user_id is not valid Unicode');
  });

  it('rejects 10,000 levels of nesting, only for that event', async () => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    const { valid, rejected } = await decodeText(
      `{"events":[{"event":"deep","timestamp":${AT},"properties":{"d":${deep}}},{"event":"flat","timestamp":${AT}}]}`,
    );
    expect(valid.map(({ event }) => event)).toEqual(['flat']);
    expect(rejected).toEqual([{ index: 0, reason: 'properties nested deeper than 500' }]);
  });
});

describe('numbers', () => {
  it.each([
    '9007199254740993',
    '-9223372036854775808',
    '18446744073709551615',
    '1e300',
    '1e-400',
    '0.1',
    '0.1234567890123456789012',
    '12345678901234567890.5',
    '-0',
    '-0.0',
    '-0.5',
  ])('%s keeps its digits', async (digits) => {
    const { valid } = await decodeText(
      `{"events":[{"event":"e","timestamp":${AT},"properties":{"n":${digits},"m":[${digits}]}}]}`,
    );
    expect(valid[0]?.properties).toBe(`{"n":${digits},"m":[${digits}]}`);
  });

  it('rejects a number that no double can represent, only for its event', async () => {
    const { valid, rejected } = await decodeText(
      `{"events":[{"event":"a","timestamp":${AT},"properties":{"n":1e999}},{"event":"b","timestamp":${AT}}]}`,
    );
    expect(valid.map(({ event }) => event)).toEqual(['b']);
    expect(rejected).toEqual([{ index: 0, reason: 'properties: number out of range' }]);
  });

  it('does not hide a malformed number from the parser', async () => {
    for (const bad of ['01234567890123456789', '12345678901234567890x', '-', '1e', '1234567890123456.']) {
      expect(await codeOf(() => decodeText(`{"events":[{"event":"e","timestamp":${AT},"p":${bad}}]}`))).toBe(
        'invalid_json',
      );
    }
  });

  it('keeps all numbers and texts that JSON allows (property)', async () => {
    const integer = fc.oneof(
      fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
      fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string(), fc.oneof(integer, fc.string(), fc.boolean())),
        async (properties) => {
          const text = (value: unknown): string =>
            typeof value === 'bigint' ? String(value) : JSON.stringify(value);
          const object = `{${Object.entries(properties)
            .map(([key, value]) => `${JSON.stringify(key)}:${text(value)}`)
            .join(',')}}`;
          const { valid } = await decodeText(
            `{"events":[{"event":"e","timestamp":${AT},"properties":${object}}]}`,
          );
          const kept = JSON.parse(valid[0]?.properties ?? '') as Record<string, unknown>;
          for (const [key, value] of Object.entries(properties)) {
            if (typeof value !== 'bigint') expect(kept[key]).toBe(value);
            else if (BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value)
              expect(valid[0]?.properties).toContain(`${JSON.stringify(key)}:${value}`);
            else expect(kept[key]).toBe(String(value));
          }
          expect(Object.keys(kept).sort()).toEqual(Object.keys(properties).sort());
        },
      ),
      { seed: 1 },
    );
  });
});

describe('the client clock', () => {
  it('moves timestamps by the error, and records it above a second', async () => {
    const sent_at = new Date(AT - 60_000).toISOString();
    const { valid } = await decode([{ event: 'e', timestamp: AT - 61_000, a: 1 }], { sent_at });
    expect(valid[0]).toMatchObject({
      timestamp: AT - 1_000,
      extras: `{"a":1,"$original_timestamp":"${new Date(AT - 61_000).toISOString()}"}`,
    });
    const slight = await decode([{ event: 'e', timestamp: AT }], { sent_at: AT - 500 });
    expect(slight.valid[0]).toMatchObject({ timestamp: AT + 500, extras: '{}' });
  });

  const day = 86_400_000;
  it.each([
    ['would leave the range', '1970-01-01T00:00:00.005Z', AT + 60_000],
    ['would lie more than a day after the arrival', AT + day, AT - 1_001],
  ])('leaves a timestamp that %s', async (_, timestamp, sent_at) => {
    const { valid } = await decode([{ event: 'e', timestamp }], { sent_at });
    expect(valid[0]).toMatchObject({ timestamp: new Date(timestamp).getTime(), extras: '{}' });
  });

  it.each([0, -1, Math.floor(AT / 1000)])(
    'ignores the sent_at %s, which cannot be milliseconds',
    async (sent_at) => {
      const { valid } = await decode([{ event: 'e', timestamp: AT - 5 }], { sent_at });
      expect(valid[0]).toMatchObject({ timestamp: AT - 5, extras: '{}' });
    },
  );

  it('rejects an invalid sent_at', async () => {
    expect(await codeOf(() => decode([], { sent_at: 'yesterday' }))).toBe('invalid_envelope');
  });
});

describe('bodies', () => {
  it.each([
    ['{', 'invalid_json'],
    ['', 'invalid_json'],
    ['[]', 'none'],
    ['"x"', 'invalid_envelope'],
    ['null', 'invalid_envelope'],
    ['{"events":{}}', 'invalid_envelope'],
    ['{"events":"x"}', 'invalid_envelope'],
    ['{}', 'invalid_envelope'],
    ['{"events":null,"other":1}', 'invalid_envelope'],
    ['{"batch":"x"}', 'invalid_envelope'],
    ['{"events":[],"batch":[]}', 'invalid_envelope'],
    ['{"event":"e","timestamp":1767323045678,"events":[]}', 'invalid_envelope'],
    ['{"events":[]}', 'none'],
    ['{"batch":[]}', 'none'],
  ])('%s → %s', async (text, code) => {
    expect(await codeOf(() => decodeText(text))).toBe(code);
  });

  it('rejects a body that is not UTF-8', async () => {
    expect(await codeOf(() => decodeBody(Buffer.from([0x7b, 0xff, 0x7d])))).toBe('invalid_encoding');
  });

  it('reads NDJSON, skips blank lines, and rejects a bad line alone', async () => {
    const lines = `{"event":"a","timestamp":${AT}}\n\r\n  \nnope\r\n{"event":"b","timestamp":${AT},"properties":{"n":9007199254740993}}`;
    const { valid, rejected } = await decodeBody(Buffer.from(lines), 'ndjson');
    expect(valid.map(({ event }) => event)).toEqual(['a', 'b']);
    expect(valid[1]?.properties).toBe('{"n":9007199254740993}');
    expect(rejected).toEqual([{ index: 1, reason: expect.stringMatching(/^not JSON/) }]);
  });

  it('only throws IngestError, and accounts for every event (property)', async () => {
    const event = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          event: fc.oneof(fc.string(), fc.jsonValue()),
          timestamp: fc.oneof(fc.integer(), fc.string(), fc.jsonValue()),
          properties: fc.jsonValue(),
          userId: fc.jsonValue(),
          extras: fc.jsonValue(),
        },
        { requiredKeys: [] },
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event), async (events) => {
        const { valid, rejected } = await decode(events);
        expect(valid.length + rejected.length).toBe(events.length);
        for (const { index } of rejected) expect(index).toBeLessThan(events.length);
      }),
      { seed: 2 },
    );
  });
});

it('validateBatch is pure and reports missing fields', async () => {
  const event: Event = {
    event: 'e',
    timestamp: AT,
    event_id: null,
    anonymous_id: null,
    user_id: null,
    session_id: null,
    properties: '{}',
    extras: '{}',
  };
  const batch = Object.freeze([
    event,
    Object.freeze({ ...event, event: '' }),
    Object.freeze({ ...event, timestamp: null }),
    Object.freeze({ ...event, properties: '', extras: '' }),
  ]);
  expect(validateBatch(batch)).toEqual({
    valid: [event, event],
    rejected: [
      { index: 1, reason: 'event required' },
      { index: 2, reason: 'timestamp required' },
    ],
  });
});

it('parses every instant that JavaScript writes (property)', async () => {
  const instant = fc.date({ min: new Date(0), max: new Date(Date.UTC(2200, 0, 1) - 1), noInvalidDate: true });
  await fc.assert(
    fc.asyncProperty(instant, async (date) => {
      expect(await one({ timestamp: date.toISOString() })).toMatchObject({ timestamp: date.getTime() });
    }),
    { seed: 7, numRuns: 500 },
  );
});

describe('ids', () => {
  it.each([
    ['42', '42'],
    ['-7', '-7'],
    ['42.0', '42'],
    ['12345678901234567890123', '12345678901234567890123'],
    ['"007"', '007'],
  ])('takes %s as the text %s in every id field', async (sent, id) => {
    const ids = '"event_id":X,"anonymousId":X,"user_id":X,"sessionId":X'.replaceAll('X', sent);
    // With and without a number that causes the marking of numbers.
    for (const more of ['', ',"properties":{"n":9007199254740993}']) {
      const { valid } = await decodeText(`{"events":[{"event":"e","timestamp":${AT},${ids}${more}}]}`);
      expect(valid[0]).toMatchObject({
        event_id: id,
        anonymous_id: id,
        user_id: id,
        session_id: id,
        extras: '{}',
      });
    }
  });

  it.each(['4.2', 'true', '[1]', '{}', '1e30'])('rejects %s', async (sent) => {
    const { rejected } = await decodeText(`{"events":[{"event":"e","timestamp":${AT},"user_id":${sent}}]}`);
    expect(rejected[0]?.reason).toBe('user_id must be a string, an integer or null');
  });

  const texts = [
    'undefined',
    'NULL',
    ' None ',
    '[object Object]',
    'NaN',
    'Guest',
    'not_authenticated',
    '',
    ' \t',
  ];
  it.each([...texts, 0, -0])('treats %j as no id in any id field, and counts it', async (id) => {
    const fields = { event_id: id, anonymousId: id, user_id: id, session_id: id };
    const { valid, ignoredIds } = await decode([{ event: 'e', timestamp: AT, ...fields, a: 1 }]);
    expect(valid[0]).toMatchObject({ event_id: null, anonymous_id: null, user_id: null, session_id: null });
    const kept = String(id);
    expect(JSON.parse(valid[0]?.extras ?? '')).toEqual({
      a: 1,
      $ignored_ids: { event_id: kept, anonymous_id: kept, user_id: kept, session_id: kept },
    });
    expect(ignoredIds).toBe(4);
  });

  it('keeps ids that only look similar', async () => {
    for (const user_id of ['undefined1', 'no one', '00', 'anonymous-3'])
      expect(await one({ user_id })).toMatchObject({ user_id, extras: '{}' });
  });
});

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

describe('values that ClickHouse cannot parse', () => {
  const props = async (properties: string, more = '') => {
    const { valid } = await decodeText(
      `{"events":[{"event":"e","timestamp":${AT},"properties":${properties}${more}}]}`,
    );
    return [valid[0]?.properties, valid[0]?.extras];
  };

  it('replaces lone surrogates in values and keys, and keeps pairs', async () => {
    expect(
      await props('{"a":"cut \\ud83d","b":["\\uDE00x",{"k\\ud83d":1}],"c":"\\ud83d\\ude00","d":"\\\\ud83d"}'),
    ).toEqual(['{"a":"cut \ufffd","b":["\ufffdx",{"k\ufffd":1}],"c":"😀","d":"\\\\ud83d"}', '{}']);
    expect(await props('{}', ',"cut \\ud83d":"\\udc00","extras":{"n":9007199254740993}')).toEqual([
      '{}',
      '{"n":9007199254740993,"cut \ufffd":"\ufffd"}',
    ]);
  });

  it('keeps members apart whose names become equal', async () => {
    expect(await props('{"\\ud800":1,"\\ud801":2,"\ufffd":3,"__proto__":{"\\ud800":4}}')).toEqual([
      '{"\ufffd\ufffd2":1,"\ufffd\ufffd3":2,"\ufffd":3,"__proto__":{"\ufffd":4}}',
      '{}',
    ]);
  });

  it('writes integers beyond 64 bits as strings of their digits, and lists their paths', async () => {
    const long = '-9223372036854775809';
    expect(
      await props(`{"a":18446744073709551616,"b":{"c d":[1,${long}]},"c":1.5}`, `,"n":[${'1'.repeat(400)}]`),
    ).toEqual([
      `{"a":"18446744073709551616","b":{"c d":[1,"${long}"]},"c":1.5}`,
      `{"n":["${'1'.repeat(400)}"],"$long_integers":["properties.a","properties.b[\\"c d\\"][1]","extras.n[0]"]}`,
    ]);
  });

  it('keeps thousands of members apart in little time', async () => {
    // Two halves of different pairs: all names become equal.
    const names = Array.from({ length: 9_000 }, (_, i) => `\\ud8${hex(i >> 6)}\\ud9${hex(i & 63)}`);
    const before = process.cpuUsage().user;
    const [properties] = await props(`{${names.map((name, i) => `"${name}":${i}`).join(',')}}`);
    expect(process.cpuUsage().user - before).toBeLessThan(1_000_000);
    expect(Object.values(JSON.parse(properties ?? '')).sort()).toEqual(names.map((_, i) => i).sort());
  });

  it('bounds the list of long integers', async () => {
    const [, extras] = await props(`{"a":[${'18446744073709551616,'.repeat(500)}0]}`);
    expect(JSON.parse(extras ?? '').$long_integers).toHaveLength(100);
  });
});

describe('the forms of a body', () => {
  const event = `"event":"e","timestamp":${AT},"x":1,"properties":{"p":"${'y'.repeat(100)}"}`;
  const expected = { event: 'e', timestamp: AT, extras: '{"x":1}' };
  /** White space that makes a body too long to be parsed as a whole. */
  const long = ' '.repeat(40_000);

  it.each([
    ['an event', `{${event}}`],
    ['an event with what belongs to the envelope', `{"token":"t",${event},"sent_at":${AT}}`],
    [
      'an event may have members named like those of an envelope',
      `{${event.replace('"x":1', '"batch":[1],"events":"x"')}}`,
      '{"batch":[1],"events":"x"}',
    ],
    ['an array', `[{${event}}]`],
    ['batch', `{"batch":[{${event}}]}`],
    ['events of null beside batch', `{"events":null,"batch":[{${event}}]}`],
  ])('takes %s', async (_, text, extras = '{"x":1}') => {
    for (const body of [text, text + long]) {
      expect(await decodeText(body)).toMatchObject({ valid: [{ ...expected, extras }], rejected: [] });
    }
  });

  it('accepts one large event whole', async () => {
    const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
    const large = (levels: number) =>
      `{"token":"t","event":"e","timestamp":${AT},"properties":{"long":"${'y'.repeat(100_000)}","deep":${deep(levels)}}}`;
    expect(await decodeText(large(499))).toMatchObject({ valid: [{ event: 'e', extras: '{}' }] });
    expect(await decodeText(large(500))).toMatchObject({
      rejected: [{ index: 0, reason: 'properties nested deeper than 500' }],
    });
  });

  it.each(['{}', '{"events":null}', '{"event":null,"timestamp":1}', '"x"', '{"batch":{}}'])(
    'rejects %s, and names "events"',
    async (text) => {
      for (const body of [text, text + long]) {
        await expect(decodeText(body)).rejects.toMatchObject({
          code: 'invalid_envelope',
          hint: expect.stringContaining('{"events": [ … ]}'),
        });
      }
    },
  );

  it('names a word that is not a JSON value, and its offset', async () => {
    const text = `{"events":[{"event":"NaN \\"","timestamp":${AT},"properties":{"a":true,"b":-Infinity}}]}`;
    const place = text.indexOf('-Infinity');
    for (const body of [text, text + long]) {
      await expect(decodeText(body)).rejects.toMatchObject({
        message: expect.stringContaining(`-Infinity at position ${place}`),
      });
    }
    const { rejected } = await decodeBody(Buffer.from('{"event":"e","timestamp":NaN}'), 'ndjson');
    expect(rejected[0]?.reason).toMatch(/^not JSON: NaN at position 25/);
  });
});
