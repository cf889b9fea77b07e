import { afterAll, beforeAll, expect, it } from 'vitest';
import { Gate } from './gate.js';
import { type GateEngine, startGateEngine } from './testing/gate-engine.js';

let engine: GateEngine;
let gate: Gate;

beforeAll(async () => {
  engine = await startGateEngine();
  gate = new Gate(engine.parser, { maxBytes: 262_144 });
});

afterAll(() => engine?.close());

const SAFE = [
  'SELECT toDate(timestamp) AS day, count() FROM events GROUP BY day ORDER BY day',
  'SELECT count(*) FROM events WHERE timestamp >= now() - INTERVAL 7 DAY AND timestamp < now()',
  'SELECT toDate(timestamp) AS day, uniq(distinct_id) FROM events WHERE day >= today() - 7 GROUP BY day',
  'SELECT * FROM events WHERE timestamp > {t:DateTime64(3)} AND event IN {e:Array(String)} LIMIT 5',
  "SELECT event, countIf(user_id IS NOT NULL) FROM events WHERE toDate(timestamp) BETWEEN '2026-01-01' AND DATE '2026-02-01' GROUP BY ALL",
  "SELECT toStartOfInterval(timestamp, INTERVAL 5 MINUTE) AS t, quantile(0.9)(JSONExtractFloat(properties, 'ms')) FROM events WHERE event = 'a' AND timestamp > '2026-01-01' GROUP BY t",
  "SELECT count() FROM events WHERE distinct_id IN (SELECT distinct_id FROM events WHERE event = 'signup') AND event LIKE 'a%'",
  "SELECT toMonth(timestamp, 'Europe/Berlin') AS m, count() FROM events WHERE toHour(timestamp) IN (1, 2) GROUP BY m",
  "SELECT count() FROM events WHERE timestamp > toDateTime64('2026-01-01', 3) OR timestamp > 1.5",
  "SELECT multiIf(event = 'a', 1, event = 'b', 2, 0) AS n, coalesce(user_id, anonymous_id) FROM events WHERE timestamp > now() - INTERVAL 1 HOUR",
  'WITH a AS (SELECT distinct_id, min(timestamp) AS first FROM events GROUP BY distinct_id) SELECT count() FROM events AS e JOIN a ON e.distinct_id = a.distinct_id',
];

const UNSURE = [
  // Fail on some times.
  'SELECT count() FROM events WHERE toUnixTimestamp64Nano(timestamp) > 0',
  'SELECT count() FROM events WHERE toUnixTimestamp(timestamp) > 0',
  'SELECT count() FROM events WHERE factorial(toHour(timestamp)) > 0',
  'SELECT count() FROM events WHERE toDateTime64(timestamp, 9) > now()',
  "SELECT count() FROM events WHERE timestamp > toDateTime64('2026-01-01', 9)",
  'SELECT count() FROM events WHERE timestamp > {t:DateTime64(6)}',
  'SELECT count() FROM events WHERE timestamp > now64(9)',
  'SELECT count() FROM events WHERE timestamp::DateTime64(9) > now()',
  'SELECT count() FROM events WHERE timestamp::Decimal(18, 9) > 0',
  'SELECT count() FROM events WHERE timestamp > 1::Decimal(18, 9)',
  'SELECT count() FROM events WHERE timestamp > {t:Decimal(18, 9)}',
  'SELECT count() FROM events WHERE timestamp - INTERVAL 1 NANOSECOND > now()',
  'SELECT count() FROM events WHERE timestamp + INTERVAL 7 DAY > now()',
  'SELECT count() FROM events WHERE timestamp > now() - INTERVAL 1 MICROSECOND',
  'SELECT count() FROM events WHERE intDiv(1, 2) = 0',
  "SELECT count() FROM events WHERE toStartOfInterval(timestamp, INTERVAL 1 DAY, toDateTime64('2020-01-01', 3)) > now()",
  'SELECT count() FROM events WHERE toStartOfInterval(timestamp, INTERVAL 9000000000 DAY) > now()',
  // Texts and numbers that depend on a time, where only some can be read.
  "SELECT count() FROM events WHERE toDate(if(toMonth(timestamp) = 3, 'x', '2020-01-01')) > today()",
  "SELECT count() FROM events WHERE toDayOfWeek(if(toMonth(timestamp) = 3, 'x', '2020-01-01')) = 1",
  "SELECT count() FROM events WHERE event LIKE if(toMonth(timestamp) = 3, '\\\\', 'a')",
  'SELECT count() FROM events WHERE timestamp > if(toMonth(timestamp) = 3, 18446744073709551615, 1)',
  'SELECT if(toMonth(timestamp) = 3, 18446744073709551615, 1) AS n FROM events WHERE timestamp > n',
  'SELECT count() FROM events WHERE now() > if(toMonth(timestamp) = 3, 18446744073709551615, 1)',
  'SELECT count() FROM (SELECT if(toMonth(timestamp) = 3, 18446744073709551615, 1) AS timestamp FROM events) WHERE timestamp > now()',
  'SELECT count() FROM (SELECT if(toMonth(timestamp) = 3, 18446744073709551615, 1) FROM events) AS s(timestamp) WHERE timestamp > now()',
  'WITH s(timestamp) AS (SELECT if(toMonth(timestamp) = 3, 18446744073709551615, 1) FROM events) SELECT count() FROM s WHERE timestamp > now()',
  'SELECT count() FROM events WHERE timestamp IN (SELECT toDateTime64(timestamp, 3) FROM events)',
  'SELECT count() FROM events WHERE (timestamp, event) > (now(), event)',
  "SELECT count() FROM events WHERE (timestamp, event) IN (('2026-01-01', 'a'))",
  "SELECT count() FROM events WHERE if(toMonth(timestamp) = 3, addSeconds(toDateTime64('2020-01-01', 0), 9000000000000000000), timestamp) > '2020-01-01'",
  "WITH addSeconds(toDateTime64('2020-01-01', 0), 9000000000000000000) AS far SELECT count() FROM events WHERE if(toMonth(timestamp) = 3, far, timestamp) > '2020-01-01'",
  'SELECT if(toMonth(timestamp) = 3, 18446744073709551615, 1) AS `a.timestamp` FROM events AS e WHERE e.`a.timestamp` > now()',
  // Constructs that are not analysed.
  'SELECT arrayMap(x -> timestamp, [1]) FROM events',
  'SELECT f(timestamp) FROM (WITH x -> toYear(x) AS f SELECT 1)',
  'SELECT count() OVER (ORDER BY timestamp) FROM events',
  "SELECT * FROM values('timestamp DateTime64(9)', '2026-01-01')",
  'SELECT * REPLACE (toUnixTimestamp64Nano(timestamp) AS event) FROM events',
  'SELECT * APPLY (toString) FROM events',
  'SELECT timestamp FROM events ORDER BY timestamp WITH FILL',
];

const PARAMS = { t: 0, e: ['a'] };

it.each(SAFE)('lets %s meet the key', async (sql) => {
  expect((await gate.check(sql, PARAMS)).usesTimeSafely).toBe(true);
});

it.each(UNSURE)('keeps %s from the key', async (sql) => {
  const passed = await gate.check(sql, PARAMS).catch(() => undefined);
  expect(passed?.usesTimeSafely ?? false).toBe(false);
});
