import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitParameters } from './parameters.js';

const bound = (type: string, value: Parameters<typeof fitParameters>[1][string]) =>
  fitParameters(`SELECT {p:${type}}`, { p: value }).p;

describe('a parameter', () => {
  it.each([
    ['UInt8', 255],
    ['UInt8', '255'],
    ['Int8', -128],
    ['UInt64', '18446744073709551615'],
    ['Int256', '-1'],
    ['Bool', true],
    ['String', 'x'],
    ['String', 5],
    ['Nullable(UInt8)', null],
    ['Array(UInt8)', [1, 2]],
    ['Array(Nullable(String))', ['a', null]],
    ['Date', '2026-02-28'],
    ['DateTime', '2026-11-21 10:00:00'],
    ["DateTime64(3, 'UTC')", '2026-11-21 10:00:00.123'],
    ['DateTime', 1_763_629_080],
    ['UUID', 'whatever the engine says'],
  ])('of %s may be %j', (type, value) => {
    expect(bound(type, value)).toEqual(value);
  });

  it.each([
    ['UInt8', 256],
    ['UInt8', -1],
    ['UInt8', 1.5],
    ['UInt8', 'many'],
    ['UInt8', ''],
    ['UInt64', '18446744073709551616'],
    ['UInt64', 2 ** 53 + 2],
    ['String', null],
    ['String', 'a\0b'],
    ['Array(UInt8)', [1, 256]],
    ['Array(String)', "['x']"],
    ['LowCardinality(String)', null],
    ['Date', '2026-13-45'],
    ['Date', '2026-04-31'],
    ['DateTime', '2026-11-21 25:00:00'],
    ['DateTime', 'yesterday'],
  ])('of %s may not be %j', (type, value) => {
    expect(() => bound(type, value)).toThrow(
      expect.objectContaining({ code: 'sql_invalid', hint: expect.any(String) }),
    );
  });

  it.each([
    ['SELECT {user:String}', { user: 'u1', usr: 'u2' }, 'did you mean user?'],
    [
      'SELECT {user:String}',
      { user: 'u1', country: 'de' },
      'the SQL names user; leave out what it does not name',
    ],
    ['SELECT 1', { user: 'u1' }, expect.stringContaining('{name:Type}')],
  ])('that the SQL does not name is refused: %s %j', (sql, given, hint) => {
    expect(() => fitParameters(sql, given)).toThrow(expect.objectContaining({ code: 'sql_invalid', hint }));
  });

  it('that is an instant keeps its moment', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }), (date) => {
        expect(Number(bound('DateTime64(3)', date.toISOString())) * 1000).toBeCloseTo(date.getTime(), 3);
        expect(bound('DateTime', date.toISOString())).toBe(String(Math.floor(date.getTime() / 1000)));
      }),
    );
    expect(bound('DateTime', '2026-11-21T12:00:00+02:00')).toBe(bound('DateTime', '2026-11-21T10:00:00Z'));
  });
});
