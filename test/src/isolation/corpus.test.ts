/** All walls stand: the gate's whole collection of attacks over both surfaces, and what an analyst writes. */
import { ATTACKS, LEGITIMATE } from '@weir/query/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SURFACES, World } from './world.js';

/** The largest texts come over REST alone: they are no more to the gate over MCP. */
const MCP_TEXT = 100_000;

let world: World;
beforeAll(async () => {
  world = await World.start([]);
});
afterAll(async () => {
  await world?.close();
});

describe.each(SURFACES)('over %s', (surface) => {
  it('no attack is answered, and none shows or breaks anything', async () => {
    for (const { name, sql, params } of ATTACKS) {
      if (surface === 'MCP' && sql.length > MCP_TEXT) continue;
      const seen = await world.ask(surface, sql, params);
      expect([name, seen.isRefused, world.leaked(seen, sql)], sql.slice(0, 1_000)).toEqual([
        name,
        true,
        undefined,
      ]);
      expect(['sql_not_allowed', 'sql_invalid', 'query_too_large', 'invalid_request'], name).toContain(
        seen.code,
      );
    }
    expect(await world.isUntouched()).toBe(true);
  });

  it('what an analyst writes is answered', async () => {
    for (const { name, sql, params } of LEGITIMATE) {
      const seen = await world.ask(surface, sql, params);
      expect([name, seen.isRefused, world.leaked(seen, sql)], seen.text.slice(0, 500)).toEqual([
        name,
        false,
        undefined,
      ]);
    }
  });
});

it('a query that wants all memory, all time or all rows ends alone', async () => {
  const greedy = [
    'SELECT groupArray(number) FROM numbers(10000000000)',
    'SELECT arrayMap(x -> range(100000), range(100000))',
    'SELECT count() FROM numbers(1000000) AS a, numbers(1000000) AS b WHERE a.number * b.number % 7 = 1',
    "SELECT repeat('x', 1000000000)",
    'WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count() FROM t',
    'SELECT * FROM numbers(1e18) ORDER BY cityHash64(number)',
  ];
  for (const sql of greedy) {
    const seen = await world.ask('REST', sql);
    expect(['query_too_large', 'query_timeout', 'query_failed'], `${sql}: ${seen.text}`).toContain(seen.code);
    expect(await world.isUntouched(), sql).toBe(true);
  }
});
