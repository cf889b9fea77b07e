/** Mistakes from other SQL dialects: the error quotes the caller's text, and names the correct syntax. */
import { beforeAll, expect, it } from 'vitest';
import { connectMcp } from './harness/mcp-client.js';
import { sharedWeir } from './harness/shared-weir.js';
import type { WeirProject } from './index.js';

let weir: WeirProject;
beforeAll(async () => {
  weir = await sharedWeir();
  const event = { event: 'signup', timestamp: Date.now(), user_id: 'u1', properties: { plan: 'pro' } };
  await weir.request('POST', '/api/v1/ingest/events?wait=stored', {
    headers: { authorization: `Bearer ${weir.token}` },
    body: JSON.stringify(event),
  });
});

const PLAN = "JSONExtractString(properties, 'plan')";
const FUNNEL = 'windowFunnel(86400000)(toUInt64(toUnixTimestamp64Milli(timestamp))';

const MISTAKES: readonly (readonly [sql: string, detail: RegExp, hint: string | null])[] = [
  ['SELECT plan FROM events', /identifier `plan`/, PLAN],
  ['SELECT properties.plan FROM events', /`properties\.plan`$/, PLAN],
  [
    'SELECT e.properties.a.b FROM events e',
    /^Identifier 'e\.properties\.a\.b' cannot be resolved/,
    "JSONExtractString(e.properties, 'a', 'b')",
  ],
  ["SELECT properties['plan'] FROM events", /'arrayElement' must be array/, PLAN],
  ["SELECT properties->>'plan' FROM events", /Syntax error/, PLAN],
  ["SELECT properties->'plan' FROM events", /Lambda/, PLAN],
  ['SELECT count() FROM events WHERE event = "signup"', /`signup`/, "a text is written 'signup'"],
  ['SELECT event FROM events PREWHERE event = event', /^the tables do not support PREWHERE$/, 'write WHERE'],
  [
    'SELECT properties::JSON.plan AS p FROM events GROUP BY p',
    /not allowed in GROUP BY keys, because it can lead to unexpected results\.$/,
    'properties::JSON.plan::String',
  ],
  [
    'SELECT event, user_id FROM events GROUP BY event',
    /^Column 'user_id' is not under aggregate function/,
    'add user_id to GROUP BY',
  ],
  ["SELECT TO_CHAR(timestamp, 'YYYY') FROM events", /no function TO_CHAR/, 'formatDateTime'],
  ["SELECT NVL(user_id, '') FROM events", /NVL/, 'ifNull'],
  ['SELECT APPROX_COUNT_DISTINCT(user_id) FROM events', /APPROX_COUNT_DISTINCT/, 'uniq(x)'],
  [
    'SELECT DATEDIFF(timestamp, received_at) FROM events',
    /function 'dateDiff'/,
    "dateDiff('day', start, end)",
  ],
  ['SELECT lenght(event) FROM events', /lenght/, 'Did you mean length?'],
  ['SELECT evnt FROM events', /`evnt`\. Maybe you meant: \['event'\]\.$/, null],
  ['SELECT event FROM events FORMAT CSV', /FORMAT/, '--format of weir query'],
  ['SELECT toUInt8(event) FROM events', /\(cannot parse text\), in toUInt8\(event\)$/, 'toFloat64OrNull'],
  [
    "SELECT event FROM events WHERE timestamp > '2026-13-01'",
    /'2026-13-01' is no DateTime64/,
    'write times as',
  ],
  [
    "SELECT event FROM events WHERE timestamp > '2026-11-30T10:00:00Z'",
    /2026-11-30T10:00:00Z/,
    "parseDateTimeBestEffort('2026-11-30T10:00:00Z')",
  ],
  [
    "SELECT event FROM events WHERE timestamp BETWEEN '2026-11-30T10:00:00+02:00' AND now()",
    /2026-11-30T10:00:00/,
    'parseDateTimeBestEffort',
  ],
  [
    "SELECT event FROM events WHERE toDate(timestamp) = '2026-11-30T10:00:00Z'",
    /2026-11-30T10:00:00Z/,
    'parseDateTimeBestEffort',
  ],
  ["SELECT match(event, '(') FROM events", /cannot compile regexp/, 'backslash'],
  ['SELECT event FROM events WHERE user_id = 5', /in equals\(user_id, 5\)$/, "user_id = '5'"],
  ["SELECT now() - '7 days'", /minus/, 'INTERVAL 7 DAY'],
  ['SELECT sum(event) FROM events', /Illegal type String/, 'JSONExtractFloat'],
  [
    'SELECT event, count() FROM events SAMPLE 0.1 GROUP BY event',
    /^SAMPLE has no effect/,
    'cityHash64(distinct_id) % 10',
  ],
  [
    'SELECT event, count() FROM events GROUP BY event WITH TOTALS',
    /^WITH TOTALS has no effect/,
    'WITH ROLLUP',
  ],
  ["SELECT windowFunnel(60)(timestamp, event = 'a') FROM events", /DateTime64\(3, 'UTC'\)/, FUNNEL],
  [
    "SELECT sequenceMatch('(?1)')(timestamp, event = 'a', true) FROM events",
    /sequenceMatch/,
    'toUnixTimestamp64Milli',
  ],
  ['DELETE FROM events WHERE 1', /^DELETE would change something; queries only read/, 'Send a SELECT'],
  ['delete from persons', /^DELETE would change something; queries only read/, 'Send a SELECT'],
  ['UPDATE events SET event = 1', /^UPDATE would change something/, 'Send a SELECT'],
];

it.each(MISTAKES)('%s', async (sql, detail, hint) => {
  const { text } = await weir.request('POST', `/api/v1/projects/${weir.project}/query`, {
    headers: { authorization: `Bearer ${weir.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ sql }),
  });
  const problem = JSON.parse(text) as { status: number; detail: string; hint?: string };
  expect(problem).toMatchObject({ status: 400, detail: expect.stringMatching(detail) });
  expect(problem.hint ?? null).toEqual(hint === null ? null : expect.stringContaining(hint));
  expect(text).not.toMatch(/weir_|__table|In scope|Set setting|\u2026'/);
});

it('over MCP, the hint is the next step, and FORMAT has one of its own', async () => {
  const mcp = await connectMcp('2026-07-28', 'http', { url: weir.url, key: weir.key, home: '/' });
  try {
    const next = async (sql: string) => /^Next: (.*)$/m.exec((await mcp.call('query', { sql })).text)?.[1];
    expect(await next('SELECT plan FROM events')).toContain(PLAN);
    expect(await next('SELECT event FROM events FORMAT CSV')).toContain('this tool returns rows as JSON');
    const large = await mcp.call('query', {
      sql: "SELECT repeat(repeat('x', 100000), 100) AS x FROM events",
    });
    expect(large).toMatchObject({ isError: true, code: 'query_too_large' });
    expect(large.text).toContain('the first row alone has more than');
  } finally {
    await mcp.close();
  }
});

it('a funnel of milliseconds, as the documentation shows it, tells which step came first', async () => {
  const at = (ms: number) => new Date(Date.UTC(2026, 10, 1, 12, 0, 0, ms)).toISOString();
  const step = (user_id: string, event: string, ms: number) => ({ event, user_id, timestamp: at(ms) });
  const events = [
    step('right', 'page', 1),
    step('right', 'order', 2),
    step('wrong', 'order', 1),
    step('wrong', 'page', 2),
  ];
  await weir.request('POST', '/api/v1/ingest/events?wait=stored', {
    headers: { authorization: `Bearer ${weir.token}` },
    body: JSON.stringify(events),
  });
  const rows = await weir.query(
    `SELECT distinct_id, ${FUNNEL}, event = 'page', event = 'order') AS level FROM events WHERE event IN ('page', 'order') GROUP BY distinct_id ORDER BY 1`,
  );
  expect(rows).toEqual([
    ['right', 2],
    ['wrong', 1],
  ]);
});
