import { Slice } from '@weir/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecodedBatch, decodeBatch } from './body/decode-batch.js';
import { type BodyFormat, readEnvelope } from './body/envelope.js';
import type { IngestError } from './errors.js';
import type { Event } from './event.js';
import { validateBatch } from './validate.js';

const AT = Date.parse('2026-01-02T03:04:05.678Z');

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
    [0, 0],
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
    expect(await one({ timestamp })).toBe('timestamp invalid');
  });

  it.each(['1e12', '1767323045678.0', '1.767323045678e12'])(
    'the number %s is invalid as written',
    async (digits) => {
      const { rejected } = await decodeText(
        `{"events":[{"event":"e","timestamp":${digits}},{"event":"e","timestamp":1}]}`,
      );
      expect(rejected).toEqual([{ index: 0, reason: 'timestamp invalid' }]);
    },
  );

  it.each([-1, Date.UTC(2200, 0, 1)])('%s is out of range', async (timestamp) => {
    expect(await one({ timestamp })).toMatch(/^timestamp out of range/);
  });
});

describe('fields', () => {
  it('folds what it does not know into extras, stray keys over the explicit object', async () => {
    expect(await one({ a: 1, extras: { a: 0, b: 2 } })).toMatchObject({ extras: '{"a":1,"b":2}' });
    expect(await one({ extras: null })).toMatchObject({ extras: '{}' });
    expect(await one({ extras: [1] })).toMatchObject({ extras: '{"extras":[1]}' });
  });

  it('takes aliases, snake case first, the loser kept in extras', async () => {
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

  it('defaults properties and refuses what is not an object', async () => {
    for (const properties of [undefined, null, '', {}])
      expect(await one({ properties })).toMatchObject({ properties: '{}' });
    for (const properties of [[], 1, 'x'])
      expect(await one({ properties })).toBe('properties must be an object');
  });

  it('names the first mistake of each bad event and keeps the others', async () => {
    const { valid, rejected } = await decode([
      {},
      { event: '' },
      { event: 'a' },
      { event: 1, timestamp: 1 },
      7,
      null,
      { event: 'ok', timestamp: 1 },
      { event: 'a', timestamp: 1, user_id: 5 },
      { event: 'weir.x', timestamp: 1 },
      { event: 'x'.repeat(513), timestamp: 1 },
      { event: 'a', timestamp: 1, anonymous_id: 'é'.repeat(513) },
      { event: 'a', timestamp: 1, properties: { p: 'x'.repeat(1024 * 1024) } },
    ]);
    expect(valid.map(({ event }) => event)).toEqual(['ok']);
    expect(rejected).toEqual([
      { index: 0, reason: 'event required' },
      { index: 1, reason: 'event required' },
      { index: 2, reason: 'timestamp required' },
      { index: 3, reason: 'event must be a string' },
      { index: 4, reason: 'event must be an object' },
      { index: 5, reason: 'event must be an object' },
      { index: 7, reason: 'user_id must be a string or null' },
      { index: 8, reason: 'event reserved: names starting with "weir." are Weir\'s own' },
      { index: 9, reason: 'event longer than 512 bytes' },
      { index: 10, reason: 'anonymous_id longer than 1024 bytes' },
      { index: 11, reason: 'event larger than 1 MiB' },
    ]);
  });

  it('keeps hostile keys as data', async () => {
    const text =
      '{"events":[{"event":"e","timestamp":1,"__proto__":{"x":1},"constructor":2,"properties":{"__proto__":{"y":1},"a":1,"a":2}}]}';
    const { valid } = await decodeText(text);
    expect(valid[0]?.extras).toBe('{"__proto__":{"x":1},"constructor":2}');
    expect(valid[0]?.properties).toBe('{"__proto__":{"y":1},"a":2}');
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it('stores NUL and refuses lone surrogates for their event alone', async () => {
    expect(await one({ user_id: 'a\u0000b' })).toMatchObject({ user_id: 'a\u0000b' });
    expect(await one({ user_id: '\ud800' })).toBe('user_id is not valid Unicode');
    expect(await one({ properties: { p: '\ud800' } })).toMatchObject({ properties: '{"p":"\\ud800"}' });
  });

  it('refuses 10,000 levels of nesting, for that event alone', async () => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    const { valid, rejected } = await decodeText(
      `{"events":[{"event":"deep","timestamp":1,"properties":{"d":${deep}}},{"event":"flat","timestamp":1}]}`,
    );
    expect(valid.map(({ event }) => event)).toEqual(['flat']);
    expect(rejected).toEqual([{ index: 0, reason: 'properties nested deeper than 500' }]);
  });
});

describe('numbers', () => {
  it.each(['9007199254740993', '-123456789012345678901234567890', '1e300', '0.1', '12345678901234567890.5'])(
    '%s keeps its digits',
    async (digits) => {
      const { valid } = await decodeText(
        `{"events":[{"event":"e","timestamp":1,"properties":{"n":${digits},"m":[${digits}]}}]}`,
      );
      expect(valid[0]?.properties).toBe(`{"n":${digits},"m":[${digits}]}`);
    },
  );

  it('refuses a number no double can hold, for its event alone', async () => {
    const { valid, rejected } = await decodeText(
      '{"events":[{"event":"a","timestamp":1,"properties":{"n":1e999}},{"event":"b","timestamp":1}]}',
    );
    expect(valid.map(({ event }) => event)).toEqual(['b']);
    expect(rejected).toEqual([{ index: 0, reason: 'properties: number out of range' }]);
  });

  it('does not mistake a long number for an id', async () => {
    const { rejected } = await decodeText(
      '{"events":[{"event":"e","timestamp":1,"user_id":12345678901234567890}]}',
    );
    expect(rejected).toEqual([{ index: 0, reason: 'user_id must be a string or null' }]);
  });

  it('does not hide a malformed number from the parser', async () => {
    for (const bad of ['01234567890123456789', '12345678901234567890x', '-', '1e', '1234567890123456.']) {
      expect(await codeOf(() => decodeText(`{"events":[{"event":"e","timestamp":1,"p":${bad}}]}`))).toBe(
        'invalid_json',
      );
    }
  });

  it('changes nothing but what JSON allows (property)', async () => {
    const integer = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
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
            `{"events":[{"event":"e","timestamp":1,"properties":${object}}]}`,
          );
          const digits = (json: string): string[] => json.match(/-?\d{16,}/g) ?? [];
          expect(digits(valid[0]?.properties ?? '').sort()).toEqual(digits(object).sort());
          expect(JSON.parse(valid[0]?.properties ?? '')).toEqual(JSON.parse(object));
        },
      ),
      { seed: 1 },
    );
  });
});

describe('the client clock', () => {
  it('moves timestamps by the error and says so above a second', async () => {
    const sent_at = new Date(AT - 60_000).toISOString();
    const { valid } = await decode([{ event: 'e', timestamp: AT - 61_000, a: 1 }], { sent_at });
    expect(valid[0]).toMatchObject({
      timestamp: AT - 1_000,
      extras: `{"a":1,"$original_timestamp":"${new Date(AT - 61_000).toISOString()}"}`,
    });
    const slight = await decode([{ event: 'e', timestamp: 5 }], { sent_at: AT - 500 });
    expect(slight.valid[0]).toMatchObject({
      timestamp: 505,
      extras: '{}',
    });
  });

  it('leaves a timestamp that would leave the range', async () => {
    const { valid } = await decode([{ event: 'e', timestamp: 5 }], { sent_at: AT + 60_000 });
    expect(valid[0]).toMatchObject({ timestamp: 5, extras: '{}' });
  });

  it('refuses a sent_at it cannot read', async () => {
    expect(await codeOf(() => decode([], { sent_at: 'yesterday' }))).toBe('invalid_envelope');
  });
});

describe('bodies', () => {
  it.each([
    ['{', 'invalid_json'],
    ['', 'invalid_json'],
    ['[]', 'invalid_envelope'],
    ['"x"', 'invalid_envelope'],
    ['null', 'invalid_envelope'],
    ['{"events":{}}', 'invalid_envelope'],
    ['{"events":"x"}', 'invalid_envelope'],
    ['{}', 'none'],
    ['{"events":null,"other":1}', 'none'],
  ])('%s → %s', async (text, code) => {
    expect(await codeOf(() => decodeText(text))).toBe(code);
  });

  it('refuses what is not UTF-8', async () => {
    expect(await codeOf(() => decodeBody(Buffer.from([0x7b, 0xff, 0x7d])))).toBe('invalid_encoding');
  });

  it('reads NDJSON, blank lines skipped, a bad line refused alone', async () => {
    const lines =
      '{"event":"a","timestamp":1}\n\r\n  \nnope\r\n{"event":"b","timestamp":1,"properties":{"n":9007199254740993}}';
    const { valid, rejected } = await decodeBody(Buffer.from(lines), 'ndjson');
    expect(valid.map(({ event }) => event)).toEqual(['a', 'b']);
    expect(valid[1]?.properties).toBe('{"n":9007199254740993}');
    expect(rejected).toEqual([{ index: 1, reason: expect.stringMatching(/^not JSON/) }]);
  });

  it('never throws anything but an IngestError, and accounts for every event (property)', async () => {
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

it('validateBatch is pure and names what is missing', async () => {
  const event: Event = {
    event: 'e',
    timestamp: 1,
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
  ]);
  expect(validateBatch(batch)).toEqual({
    valid: [event],
    rejected: [
      { index: 1, reason: 'event required' },
      { index: 2, reason: 'timestamp required' },
    ],
  });
});

it('reads every instant as JavaScript writes it (property)', async () => {
  const instant = fc.date({ min: new Date(0), max: new Date(Date.UTC(2200, 0, 1) - 1), noInvalidDate: true });
  await fc.assert(
    fc.asyncProperty(instant, async (date) => {
      expect(await one({ timestamp: date.toISOString() })).toMatchObject({ timestamp: date.getTime() });
    }),
    { seed: 7, numRuns: 500 },
  );
});
