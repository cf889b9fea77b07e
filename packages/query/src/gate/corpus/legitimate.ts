import type { ParameterValue } from '@weir/clickhouse';

/** SQL that analysts write and that must pass and run. */
export interface LegitimateQuery {
  readonly name: string;
  readonly sql: string;
  readonly params?: Readonly<Record<string, ParameterValue>>;
}

/** Queries on the public views; each also runs on an installation without events. */
export const LEGITIMATE: readonly LegitimateQuery[] = [
  q('the simplest', 'SELECT 1'),
  q('a semicolon and comments', '-- all of it\nselect count(*) /* rows */ from events; -- done'),
  q('a hash comment', 'SELECT 1 # one'),
  q('counts by day', 'SELECT toDate(timestamp) AS day, count() FROM events GROUP BY day ORDER BY day'),
  q(
    'a qualified table',
    'SELECT event, count() AS n FROM weir.events GROUP BY event ORDER BY n DESC LIMIT 10',
  ),
  q(
    'a column shadowed in every branch',
    Array.from(
      { length: 20 },
      () => 'SELECT toDate(timestamp) AS timestamp, event AS user_id, user_id AS event FROM events',
    ).join(' UNION ALL '),
  ),
  q(
    'a hundred and fifty steps',
    `WITH 1 AS a0, ${Array.from({ length: 150 }, (_, n) => `a${n} + 1 AS a${n + 1}`).join(', ')} SELECT a150`,
  ),
  q(
    'searches in texts and arrays',
    `WITH 'b' AS wanted SELECT position(lower(event), 'a'), positionCaseInsensitive(properties, wanted), position(properties, user_id), countSubstrings(event, {q:String}), hasAny(splitByChar(',', event), ['a', 'b']), hasAll({l:Array(String)}, [event, upper(event)]), editDistance(event, 'signup'), multiSearchAny(properties, ['a', 'b']) FROM events LIMIT 1`,
    { q: 'a', l: ['a'] },
  ),
  q('quoted names', 'SELECT `event`, "user_id" FROM `events` LIMIT 5'),
  q('an alias with blanks', 'SELECT count() AS `number of events, all` FROM events'),
  q('from first', 'FROM events SELECT count()'),
  q(
    'unique people by week',
    'SELECT toStartOfWeek(timestamp) AS w, uniq(distinct_id) FROM events GROUP BY w ORDER BY w',
  ),
  q(
    'active users',
    "SELECT toStartOfMonth(timestamp, 'Europe/Berlin') m, uniqExact(distinct_id) FROM events GROUP BY ALL ORDER BY ALL",
  ),
  q(
    'a time range',
    'SELECT count() FROM events WHERE timestamp >= now() - INTERVAL 7 DAY AND timestamp < now()',
  ),
  q(
    'between dates',
    "SELECT count() FROM events WHERE toDate(timestamp) BETWEEN '2026-01-01' AND DATE '2026-02-01'",
  ),
  q(
    'a funnel',
    `SELECT level, count() FROM (SELECT distinct_id, windowFunnel(86400)(toDateTime(timestamp), event = 'visit', event = 'signup', event = 'purchase') AS level FROM events GROUP BY distinct_id) GROUP BY level ORDER BY level`,
  ),
  q(
    'a strict funnel',
    `SELECT windowFunnel(3600000, 'strict_order')(toUInt64(toUnixTimestamp64Milli(timestamp)), event = 'a', event = 'b') FROM events`,
  ),
  q(
    'retention',
    `SELECT sum(r[1]), sum(r[2]) FROM (SELECT distinct_id, retention(toDate(timestamp) = '2026-06-15', toDate(timestamp) = '2026-06-16') AS r FROM events GROUP BY distinct_id)`,
  ),
  q(
    'a sequence',
    `SELECT sequenceMatch('(?1).*(?2)')(toDateTime(timestamp), event = 'a', event = 'b') FROM events`,
  ),
  q(
    'sequences counted',
    `SELECT sequenceCount('(?1)(?t<=60)(?2)')(toDateTime(timestamp), event = 'a', event = 'b') FROM events`,
  ),
  q(
    'cohorts',
    `WITH firsts AS (SELECT distinct_id, min(toStartOfWeek(timestamp)) AS cohort FROM events GROUP BY distinct_id) SELECT cohort, dateDiff('week', cohort, toStartOfWeek(timestamp)) AS week, uniq(e.distinct_id) FROM events AS e INNER JOIN firsts USING (distinct_id) GROUP BY cohort, week ORDER BY cohort, week`,
  ),
  q(
    'a string property',
    `SELECT JSONExtractString(properties, 'path') AS path, count() FROM events GROUP BY path ORDER BY 2 DESC LIMIT 20`,
  ),
  q('a typed property', `SELECT sum(JSONExtract(properties, 'price', 'Nullable(Float64)')) FROM events`),
  q(
    'a nested property',
    `SELECT JSONExtractInt(properties, 'cart', 'items', 1, 'count'), JSONHas(properties, 'cart') FROM events LIMIT 1`,
  ),
  q(
    'property keys',
    `SELECT arrayJoin(JSONExtractKeys(properties)) AS key, count() FROM events GROUP BY key ORDER BY count() DESC`,
  ),
  q(
    'a type over several lines',
    `SELECT JSONExtract(properties, 'Tuple(\n  a String,\n  b Array(UInt8)\n)') FROM events LIMIT 1`,
  ),
  q('all property values', `SELECT JSONExtractKeysAndValues(properties, 'String') FROM events LIMIT 1`),
  q('a JSON column', `SELECT CAST(properties, 'JSON').path FROM events LIMIT 1`),
  q('JSON paths', `SELECT distinctJSONPaths(properties::JSON) FROM events`),
  q('simple JSON', `SELECT simpleJSONExtractString(properties, 'title') FROM events LIMIT 3`),
  q(
    'quantiles',
    'SELECT quantile(0.5)(duration_ms), quantiles(0.5, 0.9, 0.99)(duration_ms), median(duration_ms) FROM sessions',
  ),
  q(
    'exact and merged quantiles',
    'SELECT quantileTDigest(0.95)(toFloat64(duration_ms)), quantileExactWeighted(0.5)(duration_ms, 1) FROM sessions',
  ),
  q(
    'argMax',
    'SELECT distinct_id, argMax(event, timestamp) AS last, argMin(event, timestamp) FROM events GROUP BY distinct_id LIMIT 5',
  ),
  q(
    'conditional aggregates',
    `SELECT countIf(event = 'signup'), sumIf(1, event != ''), avgOrNull(length(event)), uniqIf(distinct_id, event LIKE 'p%') FROM events`,
  ),
  q('a filter clause', `SELECT count() FILTER (WHERE event = 'a') FROM events`),
  q(
    'states and merges',
    'SELECT uniqMerge(s) FROM (SELECT toDate(timestamp) AS d, uniqState(distinct_id) AS s FROM events GROUP BY d)',
  ),
  q('state finalized', 'SELECT finalizeAggregation(sumState(number)) FROM numbers(10)'),
  q(
    'combinators in a chain',
    "SELECT sumOrNullIf(1, event != ''), groupArrayDistinct(event), countDistinct(event), sumMap([1], [2]), avgArray([1, 2]) FROM events",
  ),
  q('sumForEach and Resample', 'SELECT sumForEach([1, 2]), countResample(0, 10, 2)(number) FROM numbers(10)'),
  q('distinct', 'SELECT DISTINCT event FROM events ORDER BY event'),
  q('distinct on', 'SELECT DISTINCT ON (event) event, timestamp FROM events ORDER BY event, timestamp DESC'),
  q(
    'arrays',
    'SELECT arrayMap(x -> x * 2, range(5)), arrayFilter(x -> x > 1, [1, 2]), arraySum([1, 2]), arraySort(x -> -x, [1, 2])',
  ),
  q(
    'a function by name',
    'SELECT arrayMap(toString, [1, 2]), arrayFold((a, x) -> a + x, [1, 2], toInt64(0))',
  ),
  q(
    'arrayReduce',
    `SELECT arrayReduce('sum', [1, 2]), arrayReduce('quantile(0.5)', [1, 2, 3]), arrayReduce('uniq', ['a'])`,
  ),
  q(
    'array of a sub-select',
    `WITH (SELECT groupArray(event) FROM events) AS names SELECT count() FROM events WHERE event IN names`,
  ),
  q(
    'in an array alias',
    'SELECT has(seen, event), event IN seen FROM (SELECT event, groupArray(event) AS seen FROM events GROUP BY event)',
  ),
  q('array join', 'SELECT k, count() FROM events ARRAY JOIN JSONExtractKeys(properties) AS k GROUP BY k'),
  q('left array join', 'SELECT x FROM (SELECT [1, 2] AS a) LEFT ARRAY JOIN a AS x'),
  q('maps', `SELECT map('a', 1)['a'], mapKeys(map('a', 1)), mapFilter((k, v) -> v > 0, map('a', 1))`),
  q('tuples', "SELECT (1, 'a').2, tuple(1, 2).1, untuple((1, 2))"),
  q(
    'dates',
    `SELECT dateDiff('day', toDate('2026-01-01'), today()), date_add(MONTH, 1, today()), dateTrunc('month', now()), formatDateTime(now(), '%Y-%m-%d'), toYYYYMM(now())`,
  ),
  q(
    'intervals',
    `SELECT toStartOfInterval(timestamp, INTERVAL 15 MINUTE) AS t, count() FROM events GROUP BY t ORDER BY t`,
  ),
  q(
    'intervals in a zone',
    `SELECT toStartOfInterval(timestamp, INTERVAL 1 DAY, 'America/New_York') AS t, count() FROM events GROUP BY t`,
  ),
  q(
    'a zone by name',
    `WITH 'Asia/Tokyo' AS tz SELECT toHour(timestamp, tz), toDateTime(timestamp, tz) FROM events LIMIT 1`,
  ),
  q('a zone as a parameter', 'SELECT toDate(timestamp, {tz:String}) AS d, count() FROM events GROUP BY d', {
    tz: 'Europe/Paris',
  }),
  q(
    'parsing times',
    `SELECT parseDateTimeBestEffort('2026-01-01T00:00:00Z'), parseDateTime('2026-01-01', '%Y-%m-%d'), toDateTime64('2026-01-01 00:00:00', 3, 'UTC'), makeDate(2026, 1, 1)`,
  ),
  q(
    'unix times',
    'SELECT toUnixTimestamp(timestamp), fromUnixTimestamp(0), toUnixTimestamp64Milli(timestamp) FROM events LIMIT 1',
  ),
  q(
    'time slots with a constant',
    'SELECT intDiv(toUnixTimestamp(timestamp), 3600) AS hour, count() FROM events GROUP BY hour',
  ),
  q(
    'DIV by constants',
    'WITH 60 AS minute SELECT toUnixTimestamp(timestamp) DIV minute, intDiv(7, 24 * 60), intDiv(9, {n:UInt32}) FROM events LIMIT 1',
    { n: 3 },
  ),
  q('division', 'SELECT 1 / 3, 7 % 3, intDivOrZero(1, 0), moduloOrZero(1, 0), count() / 2 FROM events'),
  q(
    'window functions',
    'SELECT event, row_number() OVER (PARTITION BY distinct_id ORDER BY timestamp) AS n FROM events ORDER BY n LIMIT 3',
  ),
  q(
    'lag',
    `SELECT dateDiff('second', lagInFrame(timestamp) OVER w, timestamp) FROM events WINDOW w AS (PARTITION BY distinct_id ORDER BY timestamp ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)`,
  ),
  q(
    'running totals',
    'SELECT day, sum(n) OVER (ORDER BY day ROWS UNBOUNDED PRECEDING) FROM (SELECT toDate(timestamp) AS day, count() AS n FROM events GROUP BY day)',
  ),
  q(
    'a range frame',
    'SELECT avg(n) OVER (ORDER BY n RANGE BETWEEN 2 PRECEDING AND 2 FOLLOWING) FROM (SELECT toInt64(number) AS n FROM numbers(5))',
  ),
  q(
    'qualify',
    'SELECT event FROM events QUALIFY row_number() OVER (PARTITION BY event ORDER BY timestamp) = 1',
  ),
  q(
    'ranks',
    'SELECT rank() OVER (ORDER BY number), dense_rank() OVER (ORDER BY number), ntile(4) OVER (ORDER BY number) FROM numbers(8)',
  ),
  q('CTEs', 'WITH a AS (SELECT event FROM events), b AS (SELECT event FROM a) SELECT count() FROM b'),
  q('a CTE before a union', 'WITH a AS (SELECT 1 AS x) SELECT x FROM a UNION ALL SELECT x + 1 FROM a'),
  q('a CTE with columns', 'WITH a(x, y) AS (SELECT 1, 2) SELECT x + y FROM a'),
  q('a CTE that shadows a table', `WITH events AS (SELECT 'x' AS event) SELECT event FROM events`),
  q(
    'a recursive CTE',
    'WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) FROM t',
  ),
  q(
    'a scalar CTE',
    'WITH (SELECT max(timestamp) FROM events) AS latest SELECT count() FROM events WHERE timestamp = latest',
  ),
  q('a lambda', 'WITH (x, y) -> x + y AS plus_both SELECT plus_both(1, 2)'),
  q('scalar sub-selects', 'SELECT (SELECT count() FROM events) / greatest((SELECT count() FROM persons), 1)'),
  q(
    'in a sub-select',
    `SELECT count() FROM events WHERE distinct_id IN (SELECT distinct_id FROM events WHERE event = 'signup')`,
  ),
  q(
    'in a list',
    `SELECT count() FROM events WHERE event IN ('a', 'b') AND (event, user_id) NOT IN (('a', 'b'))`,
  ),
  q('in a parameter', 'SELECT count() FROM events WHERE event IN {names:Array(String)}', {
    names: ['a', 'b'],
  }),
  q(
    'in a CTE',
    'WITH ids AS (SELECT distinct_id FROM persons) SELECT count() FROM events WHERE distinct_id IN ids',
  ),
  q('exists', `SELECT exists(SELECT 1 FROM events WHERE event = 'x')`),
  q(
    'joins',
    'SELECT e.event, p.event_count FROM events AS e LEFT JOIN persons AS p ON e.distinct_id = p.distinct_id LIMIT 5',
  ),
  q(
    'anti and semi joins',
    'SELECT count() FROM persons AS p LEFT ANTI JOIN sessions AS s ON p.distinct_id = s.distinct_id',
  ),
  q(
    'an asof join',
    'SELECT a.t, b.t FROM (SELECT 1 AS k, 5 AS t) AS a ASOF LEFT JOIN (SELECT 1 AS k, 3 AS t) AS b ON a.k = b.k AND a.t >= b.t',
  ),
  q('a paste join', 'SELECT * FROM (SELECT 1 AS a) PASTE JOIN (SELECT 2 AS b)'),
  q('a cross join of tables', 'SELECT count() FROM persons, sessions'),
  q('using', 'SELECT count() FROM sessions JOIN persons USING distinct_id'),
  q(
    'rollup and totals',
    'SELECT event, toDate(timestamp) AS d, count() FROM events GROUP BY event, d WITH ROLLUP',
  ),
  q('cube', 'SELECT event, user_id, count() FROM events GROUP BY CUBE(event, user_id)'),
  q(
    'grouping sets',
    'SELECT event, user_id, count(), grouping(event) FROM events GROUP BY GROUPING SETS ((event), (user_id), ())',
  ),
  q('having', 'SELECT event FROM events GROUP BY event HAVING count() > 10'),
  q(
    'fill',
    `SELECT toDate(timestamp) AS d, count() AS n FROM events GROUP BY d ORDER BY d WITH FILL FROM toDate('2026-06-01') TO toDate('2026-06-30') STEP 1`,
  ),
  q(
    'fill and interpolate',
    'SELECT number AS n, number * 2 AS m FROM numbers(3) ORDER BY n WITH FILL FROM 0 TO 10 STEP 1 INTERPOLATE (m AS m + 1)',
  ),
  q(
    'limit by',
    'SELECT event, timestamp FROM events ORDER BY timestamp DESC LIMIT 3 BY event LIMIT 10 OFFSET 5',
  ),
  q('limit with ties', 'SELECT event FROM events ORDER BY event LIMIT 3 WITH TIES'),
  q('limit by parameter', 'SELECT event FROM events LIMIT {n:UInt32}', { n: 5 }),
  q(
    'order with nulls and collation',
    `SELECT user_id FROM events ORDER BY user_id ASC NULLS LAST COLLATE 'en', event DESC LIMIT 3`,
  ),
  q('unions', 'SELECT 1 AS x UNION ALL SELECT 2 UNION DISTINCT SELECT 3'),
  q(
    'intersect and except',
    'SELECT number FROM numbers(5) INTERSECT SELECT number FROM numbers(3) EXCEPT SELECT 1',
  ),
  q(
    'case',
    `SELECT CASE event WHEN 'a' THEN 1 ELSE 0 END, CASE WHEN event = 'a' THEN 'x' WHEN event = 'b' THEN 'y' END FROM events LIMIT 1`,
  ),
  q(
    'multiIf and ternary',
    `SELECT multiIf(event = 'a', 1, event = 'b', 2, 0), event = 'a' ? 1 : 0, if(event = 'a', 1, 2) FROM events LIMIT 1`,
  ),
  q('transform', `SELECT transform(event, ['a', 'b'], ['first', 'second'], 'other') FROM events LIMIT 1`),
  q(
    'likes',
    `SELECT count() FROM events WHERE event LIKE 'a%' OR event ILIKE '%B_' OR NOT event NOT LIKE 'c' OR match(event, '^x+$')`,
  ),
  q(
    'strings',
    `SELECT upper(event), substring(event, 1, 3), splitByChar('/', '/a/b')[2], concat('a', event), event || 'b', trim(BOTH ' ' FROM ' a '), position('a' IN 'ba'), left('abc', 2), format('{} {}', 'a', 'b') FROM events LIMIT 1`,
  ),
  q(
    'regular expressions',
    `SELECT extract('ab12', '\\\\d+'), replaceRegexpAll('a1', '[0-9]', '#'), extractAll('a1b2', '([a-z])')`,
  ),
  q(
    'URLs',
    `SELECT domain('https://example.com/a?b=c'), path('https://example.com/a'), extractURLParameter('https://x/?utm_source=y', 'utm_source'), cutQueryString('https://x/?a')`,
  ),
  q(
    'casts',
    `SELECT toInt64('1'), '5'::UInt8, CAST('2026-01-01' AS Date), CAST(1, 'Nullable(String)'), accurateCastOrNull('x', 'UInt8'), toFloat64OrZero('a')`,
  ),
  q('an enum cast', `SELECT CAST('a', 'Enum8(\\'a\\' = 1, \\'b\\' = 2)')`),
  q(
    'nulls',
    "SELECT coalesce(user_id, anonymous_id, ''), ifNull(user_id, '-'), user_id IS NULL, nullIf(event, '') FROM events LIMIT 1",
  ),
  q(
    'hashes and numbers',
    'SELECT cityHash64(event), sipHash64(event) % 10, round(1.55, 1), floor(1.5), greatest(1, 2), rand() < 0 FROM events LIMIT 1',
  ),
  q('asterisks', 'SELECT * FROM events LIMIT 1'),
  q(
    'qualified asterisks',
    'SELECT e.*, p.first_seen FROM events AS e JOIN persons AS p USING (distinct_id) LIMIT 1',
  ),
  q('column matchers', `SELECT COLUMNS('_id$') FROM events LIMIT 1`),
  q(
    'except and replace',
    'SELECT * EXCEPT (properties, extras) REPLACE (upper(event) AS event) FROM events LIMIT 1',
  ),
  q(
    'apply',
    `SELECT COLUMNS('count$') APPLY(sum), * EXCEPT(first_seen) APPLY(x -> toString(x)) APPLY(max) FROM persons`,
  ),
  q(
    'numbers and series',
    'SELECT number FROM numbers(3) UNION ALL SELECT generate_series FROM generateSeries(1, 5)',
  ),
  q('values', `SELECT * FROM values('id UInt32, name String', (1, 'a'), (2, 'b'))`),
  q('SQL values', `SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t(id, name)`),
  q('typed parameters', 'SELECT {a:String}, {b:UInt64}, {c:Array(Date)}, {d:Nullable(String)}', {
    a: `it's; SELECT "x"`,
    b: 1,
    c: ['2026-01-01'],
    d: null,
  }),
  q('a parameter that looks like SQL', 'SELECT count() FROM events WHERE event = {e:String}', {
    e: `x') FROM system.tables -- AggregateFunction(`,
  }),
  q('a sample of persons', 'SELECT distinct_id, event_count FROM persons ORDER BY event_count DESC LIMIT 10'),
  q(
    'sessions by day',
    'SELECT toDate(started_at) AS d, avg(duration_ms) / 1000, uniq(session_id) FROM sessions GROUP BY d ORDER BY d',
  ),
  q('bounce rate', 'SELECT countIf(event_count = 1) / count() FROM sessions'),
  q('top entry events', 'SELECT topK(5)(entry_event), anyLast(exit_event) FROM sessions'),
  q(
    'words that name tables in strings',
    `SELECT count() FROM events WHERE event = 'system.tables; SETTINGS x = 1 INTO OUTFILE'`,
  ),
  q('describe', 'DESCRIBE events'),
  q('desc qualified', 'DESC TABLE weir.persons'),
  q('explain syntax', "EXPLAIN SYNTAX SELECT count() FROM events WHERE 1 AND event = 'a'"),
];

function q(name: string, sql: string, params?: LegitimateQuery['params']): LegitimateQuery {
  return params === undefined ? { name, sql } : { name, sql, params };
}
