import { ClickHouseError } from '@weir/clickhouse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QueryError } from '../query-error.js';
import { ATTACKS } from './corpus/attacks.js';
import { LEGITIMATE } from './corpus/legitimate.js';
import { Gate, type SqlParser } from './gate.js';
import { type GateEngine, startGateEngine, textOf } from './testing/gate-engine.js';

const PROJECT = '0192f0c1-0000-7000-8000-00000000000a';
const MAX_BYTES = 262_144;

let engine: GateEngine;
let gate: Gate;

beforeAll(async () => {
  engine = await startGateEngine();
  gate = new Gate(engine.parser, { maxBytes: MAX_BYTES });
});

afterAll(() => engine?.close());

async function refusalOf(
  sql: string,
  params: Parameters<Gate['check']>[1] = {},
  by = gate,
): Promise<QueryError> {
  const outcome: unknown = await by.check(sql, params).catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(QueryError);
  if (!(outcome instanceof QueryError)) throw new Error('not a refusal');
  return outcome;
}

describe('the gate', () => {
  it.each(LEGITIMATE.map((query) => [query.name, query] as const))(
    'passes %s',
    async (_, { sql, params = {} }) => {
      const passed = await gate.check(sql, params);
      if (passed.kind === 'select') {
        const plain = passed.ignoresPerson === true;
        await textOf(await engine.reader.query(PROJECT, passed.sql, { params, plain }));
      }
      // The canonical form is stable.
      expect((await gate.check(passed.sql, params)).sql).toBe(passed.sql);
    },
  );

  it.each(ATTACKS.map((attack) => [attack.name, attack] as const))('refuses %s', async (_, attack) => {
    const refusal = await refusalOf(attack.sql, attack.params);
    if (attack.rule === 'invalid') expect(refusal.code).toBe('sql_invalid');
    else expect(refusal).toMatchObject({ code: 'sql_not_allowed', facts: { rule: attack.rule } });
    expect(refusal.message).not.toMatch(/SELECT formatQuery|QUERY TREE|In scope|DB::Exception/);
  });

  it.each([
    ['SELECT event, count(*) FROM events WHERE event LIKE {e:String} GROUP BY ALL', true],
    [
      'SELECT timestamp * 2, count() FROM (SELECT toUnixTimestamp(timestamp) AS timestamp FROM events) GROUP BY 1',
      true,
    ],
    ['WITH e AS (SELECT event FROM events) SELECT count(*) FROM e', true],
    ['SELECT 1', true],
    ['SELECT * FROM events', false],
    ['SELECT events.* FROM events', false],
    ['SELECT count(*), tuple(*) FROM events GROUP BY ALL', false],
    ["SELECT COLUMNS('.*_id') FROM events", false],
    ['SELECT uniq(distinct_id) FROM events', false],
    ['SELECT e.distinct_id FROM events AS e', false],
    ['SELECT count() FROM events AS a JOIN events AS b USING (distinct_id)', false],
    ["SELECT count() FROM events NATURAL JOIN (SELECT 'u1' AS distinct_id) AS b", false],
    ["SELECT count() FROM events NATURAL JOIN (SELECT 'u1' AS event) AS b", false],
    ["SELECT count() FROM events JOIN (SELECT 'u1' AS distinct_id) AS b USING (distinct_id)", false],
    ["SELECT count() FROM (SELECT 'u1' AS distinct_id) AS b JOIN events ON event = b.distinct_id", false],
    ["SELECT count(COLUMNS('t_id$')) FROM events", false],
    ["SELECT event FROM events, values('distinct_id String', 'u1')", false],
    ['SELECT count() FROM weir.events', false],
    ['SELECT count() FROM persons', false],
    ['SELECT count() FROM events WHERE user_id IN sessions', false],
  ])('knows whether %s asks for nobody: %s', async (sql, ignoresPerson) => {
    expect(await gate.check(sql, { e: 'x' })).toMatchObject({ ignoresPerson });
  });

  it('has attacks with unique names', () => {
    expect(new Set(ATTACKS.map((attack) => attack.name)).size).toBe(ATTACKS.length);
    expect(new Set(LEGITIMATE.map((query) => query.name)).size).toBe(LEGITIMATE.length);
  });

  it('reports the error, its place, and the alternative', async () => {
    expect(await refusalOf('SELECT * FROM event')).toMatchObject({
      facts: { rule: 'table', identifier: 'event' },
      message: 'There is no table event.',
      hint: 'The tables are events, persons and sessions, and the CTEs of the query.',
    });
    expect(await refusalOf("SELECT file('/etc/passwd')")).toMatchObject({
      facts: { rule: 'function', identifier: 'file' },
      message: 'The function file is refused because it reads files of the host.',
    });
    expect(await refusalOf("SELECT 'ü',\n  1 +, 2")).toMatchObject({
      code: 'sql_invalid',
      facts: { position: { line: 2, column: 8, offset: 19 } },
      message: expect.stringMatching(/^Syntax error: failed at position/),
    });
    expect(await refusalOf('EXPLAIN ESTIMATE SELECT 1')).toMatchObject({
      facts: { identifier: 'EXPLAIN ESTIMATE' },
      hint: expect.stringContaining('EXPLAIN SYNTAX'),
    });
  });

  it('enforces its limits', async () => {
    expect(await refusalOf('  \n ')).toMatchObject({ code: 'sql_required' });
    const small = new Gate(engine.parser, { maxBytes: 20 });
    expect(await small.check('SELECT 1', {})).toMatchObject({ sql: 'SELECT 1' });
    expect(await refusalOf("SELECT 'üüüüüüüüü'", {}, small)).toMatchObject({ code: 'query_too_large' });
    expect(await refusalOf(`SELECT ${'1,'.repeat(60_000)}1`)).toMatchObject({
      code: 'query_too_large',
      message: 'The query has too many parts once names are written out.',
    });
    // In escaped form, a tab takes two characters.
    const long = `SELECT '${'\t'.repeat(MAX_BYTES - 9)}'`;
    expect((await gate.check(long, {})).sql.length).toBeGreaterThan(MAX_BYTES);
  });

  it('knows the parameters of a text, and decides by the text alone', async () => {
    expect(await refusalOf('SELECT {a:UInt8}')).toMatchObject({
      code: 'sql_invalid',
      facts: { identifier: 'a' },
    });
    const sql = 'SELECT {a:String}, toHour(now(), {tz:String})';
    const { sql: canonical } = await gate.check(sql, { a: 'file:/x', tz: 'UTC' });
    expect(canonical).toBe(sql);
    expect(await refusalOf(sql, { a: '', tz: 'file:/x' })).toMatchObject({ facts: { rule: 'time_zone' } });
    await gate.check(sql, { a: 'AggregateFunction(sum, UInt8)', tz: 'Europe/Berlin' });
  });

  it('caches verdicts by text, and no errors of the engine', async () => {
    let asked = 0;
    let down = true;
    const parser: SqlParser = {
      rows: (sql, options) => {
        asked += 1;
        if (down) return Promise.reject(new ClickHouseError('unavailable', 'down'));
        return engine.parser.rows(sql, options);
      },
    };
    const remembering = new Gate(parser, { maxBytes: MAX_BYTES });
    await expect(remembering.check('SELECT 1', {})).rejects.toMatchObject({ code: 'unavailable' });
    down = false;
    await remembering.check('SELECT 1', {});
    await refusalOf('SELECT * FROM x', {}, remembering);
    const before = asked;
    await remembering.check('SELECT 1', {});
    const again = await refusalOf('SELECT * FROM x', {}, remembering);
    expect(again).toMatchObject({ facts: { rule: 'table', identifier: 'x' } });
    expect(asked).toBe(before);
  });

  it('aborts with its caller', async () => {
    const gone = new AbortController();
    gone.abort(new Error('left'));
    await expect(gate.check('SELECT 2', {}, gone.signal)).rejects.toThrow('left');
  });
});
