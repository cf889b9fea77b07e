/**
 * What is accepted can be read in full: each event of a table of odd ones, in every way that the documentation names.
 * Expected are the values of `JSON.parse`, except where the specification changes them before they are stored.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { killBuses } from './harness/buses.js';
import { Consumer } from './harness/consumer.js';
import { FeedClient } from './harness/feed-client.js';
import { connectMcp, type McpClient } from './harness/mcp-client.js';
import { sharedWeir } from './harness/shared-weir.js';
import { type WeirProject, waitUntil } from './index.js';

interface OddEvent {
  readonly name: string;
  /** Members beside `event` and `timestamp`, as JSON. */
  readonly members: string;
  /** What is stored, if not what was sent. */
  readonly stored?: string;
  readonly extras?: object;
  /** What `properties::JSON` returns, if a value cannot be the same there. */
  readonly asJson?: string;
}

const LONG = '123456789012345678901234567890';
const nested = (open: string, close: string, levels: number) => open.repeat(levels) + close.repeat(levels);
const props = (text: string) => `"properties":${text}`;

const ODD: readonly OddEvent[] = [
  { name: 'high surrogate', members: props('{"a":1,"t":"cut \\ud83d"}'), stored: '{"a":1,"t":"cut \ufffd"}' },
  {
    name: 'low surrogates',
    members: props('{"a":1,"t":["\\udE00\\ude00"]}'),
    stored: '{"a":1,"t":["\ufffd\ufffd"]}',
  },
  {
    name: 'surrogate in a key',
    members: props('{"a":1,"\\ud83d":{"\\udc00x":2}}'),
    stored: '{"a":1,"\ufffd":{"\ufffdx":2}}',
  },
  {
    name: 'keys that become the same',
    members: props('{"a":1,"\\ud83d":2,"\\ud83e":3}'),
    stored: '{"a":1,"\ufffd":2,"\ufffd\ufffd2":3}',
  },
  {
    name: 'surrogate in extras',
    members: '"more":{"x\\ud83d":"\\ud83d"},"properties":{"a":1}',
    stored: '{"a":1}',
    extras: { more: { 'x\ufffd': '\ufffd' } },
  },
  {
    name: 'a pair, and what looks like an escape',
    members: props('{"a":1,"t":"\\ud83d\\ude00","u":"\\\\ud83d"}'),
  },
  {
    name: 'integers beyond 64 bits',
    members: props(`{"a":1,"n":${LONG},"m":[-9223372036854775809,{"k":18446744073709551616}]}`),
    stored: `{"a":1,"n":"${LONG}","m":["-9223372036854775809",{"k":"18446744073709551616"}]}`,
    extras: { $long_integers: ['properties.n', 'properties.m[0]', 'properties.m[1].k'] },
  },
  {
    name: 'integers of 64 bits',
    members: props('{"a":1,"n":18446744073709551615,"m":-9223372036854775808}'),
    asJson: '{"a":1,"n":"18446744073709551615","m":"-9223372036854775808"}',
  },
  {
    name: 'a long integer in extras',
    members: `"order":${LONG},"properties":{"a":1}`,
    stored: '{"a":1}',
    extras: { order: LONG, $long_integers: ['extras.order'] },
  },
  {
    name: 'numbers of many digits',
    members: props('{"a":1,"n":0.1234567890123456789,"e":1e300,"z":-0}'),
    asJson: '{"a":1,"n":0.12345678901234568,"e":1e300,"z":0}',
  },
  { name: '500 objects', members: props(`{"a":1,"d":${nested('{"k":', '}', 499).replace('}', '1}')}}`) },
  { name: '500 arrays', members: props(`{"a":1,"d":${nested('[', ']', 499)}}`) },
  { name: 'a key that is a path', members: props('{"a":1,"x":{"y":2},"x.y":3,".":4,"..":5}') },
  {
    name: 'a path in a list',
    members: props('{"a":1,"x":[{"y":{"z":1},"y.z":2},"t",null,[],{}]}'),
    asJson: '{"a":1,"x":[{"y":{"z":1},"y.z":2},"t",null,[],{}]}',
  },
  { name: 'empty and blank keys', members: props('{"a":1,"":2," ":3,"\\n":4,"x":{"":5}}') },
  { name: 'NUL and controls', members: props('{"a":1,"t":"\\u0000\\u001f\\u007f\\u2028","k\\u0000":2}') },
  { name: 'hostile keys', members: props('{"a":1,"__proto__":{"x":1},"constructor":2,"q\\"k\\\\`":3}') },
  {
    name: 'texts like times',
    members: props(
      '{"a":1,"t":"2026-01-02T03:04:05+05:00","u":"1850-01-01","v":["2026-01-02"],"w":"2026-01-02 03:04:05.1234567891"}',
    ),
  },
  {
    name: 'mixed types',
    members: props('{"a":1,"x":[1,"s",null,true,1.5,[[2]],{"y":[]}],"z":null}'),
    asJson: '{"a":1,"x":[1,"s",null,true,1.5,[[2]],{"y":[]}]}',
  },
  {
    name: 'many keys',
    members: props(`{"a":1,${Array.from({ length: 3_000 }, (_, i) => `"k${i}":${i}`).join(',')}}`),
  },
  { name: 'emoji and noncharacters', members: props('{"a":1,"t":"😀\uffff\ufdd0","日本":"語"}') },
  {
    name: 'ids that are none',
    members: `"user_id":"undefined","anonymous_id":0,${props('{"a":1}')}`,
    stored: '{"a":1}',
    extras: { $ignored_ids: { user_id: 'undefined', anonymous_id: '0' } },
  },
];

const storedOf = ({ stored, members }: OddEvent): unknown =>
  JSON.parse(stored ?? members.slice(members.indexOf(':') + 1));
const propertiesByName = (of: (odd: OddEvent) => unknown) => new Map(ODD.map((odd) => [odd.name, of(odd)]));

let weir: WeirProject;
let mcp: McpClient;
let receipt: string;
const home = mkdtempSync(join(tmpdir(), 'weir-odd-'));

beforeAll(async () => {
  weir = await sharedWeir();
  const group = await weir.request('PUT', `/api/v1/projects/${weir.project}/feed/groups/odd`, {
    headers: { authorization: `Bearer ${weir.key}`, 'content-type': 'application/json' },
    body: '{"from":"latest"}',
  });
  expect(group.status).toBeLessThan(300);
  const events = ODD.map(
    ({ name, members }) => `{"event":${JSON.stringify(name)},"timestamp":${Date.now()},${members}}`,
  );
  const { status, text } = await weir.request('POST', '/api/v1/ingest/events?wait=stored', {
    headers: { authorization: `Bearer ${weir.token}` },
    body: `{"events":[${events.join(',')}]}`,
  });
  const answer = JSON.parse(text) as { receipt: string };
  expect({ status, ...answer }).toMatchObject({
    status: 202,
    accepted: ODD.length,
    rejected: 0,
    state: 'stored',
  });
  receipt = answer.receipt;
  mcp = await connectMcp('2026-07-28', 'http', { url: weir.url, key: weir.key, home });
});
afterAll(async () => {
  await mcp?.close();
  killBuses(home);
  rmSync(home, { recursive: true, force: true });
});

it('in SQL: the columns as text, JSONExtract functions and JSON_VALUE', async () => {
  const rows = await weir.query(
    `SELECT event, properties, extras, isValidJSON(properties) + isValidJSON(extras), JSONExtractInt(properties, 'a'), JSON_VALUE(properties, '$.a'), toUInt32(JSONLength(properties)) FROM events`,
  );
  expect(new Map(rows.map(([name, properties]) => [name, JSON.parse(String(properties))]))).toEqual(
    propertiesByName(storedOf),
  );
  const extras = new Map(rows.map(([name, , text]) => [name, JSON.parse(String(text))]));
  expect(extras).toEqual(propertiesByName((odd) => odd.extras ?? {}));
  for (const [name, , , ...found] of rows) {
    const members = Object.keys(storedOf(ODD.find((odd) => odd.name === name) as OddEvent) as object).length;
    expect([name, ...found.map(String)]).toEqual([name, '2', '1', '1', String(members)]);
  }
});

it('in SQL: properties::JSON of the whole project, in every format', async () => {
  const rows = await weir.query('SELECT event, toString(properties::JSON) FROM events');
  const found = new Map(rows.map(([name, text]) => [name, JSON.parse(String(text))]));
  expect(found).toEqual(
    propertiesByName((odd) => asRead(odd.asJson === undefined ? storedOf(odd) : JSON.parse(odd.asJson))),
  );
  for (const format of ['json', 'ndjson', 'csv', 'parquet', 'arrow']) {
    const columns =
      format === 'parquet' || format === 'arrow' ? 'toString(properties::JSON)' : 'properties::JSON';
    const { status, text } = await weir.request('POST', `/api/v1/projects/${weir.project}/query`, {
      headers: { authorization: `Bearer ${weir.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sql: `SELECT *, ${columns} FROM events`, format }),
    });
    expect({ format, status, text: status === 200 ? '' : text }).toEqual({ format, status: 200, text: '' });
  }
});

/** What `::JSON` returns: no null members and no empty objects, for which ClickHouse has no path; integers as strings. */
function asRead(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(asRead);
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, member]) => [key, asRead(member)] as const)
      .filter(([, member]) => member !== null),
  );
}

it('through the feed, a group, and weir event consume', async () => {
  const expected = propertiesByName(storedOf);
  const consumer = new Consumer({ url: weir.url, project: weir.project, key: weir.key, dataDir: home }, [
    'consume',
    'weir.event',
    '--from',
    'earliest',
    '--max-events',
    String(ODD.length),
    '--quiet',
  ]);
  const feed = new FeedClient(`${weir.url}/api/v1/projects/${weir.project}/feed?after=earliest`, weir.key);
  const pulled = await weir.request('POST', `/api/v1/projects/${weir.project}/feed/groups/odd/pull`, {
    headers: { authorization: `Bearer ${weir.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ max: 100 }),
  });
  type Document = { readonly event: string; readonly properties: unknown };
  const { deliveries } = JSON.parse(pulled.text) as { deliveries: { event: Document }[] };
  await waitUntil('the feed', () => feed.events.length >= ODD.length);
  feed.close();
  const { code } = await consumer.ended();
  expect(code).toBe(0);
  const mapOf = (list: readonly Document[]) => new Map(list.map((one) => [one.event, one.properties]));
  expect(mapOf(feed.events as unknown as Document[])).toEqual(expected);
  expect(mapOf(deliveries.map(({ event }) => event))).toEqual(expected);
  expect(mapOf(consumer.documents<Document>())).toEqual(expected);
});

it('by receipt, schema and MCP', async () => {
  const status = await weir.request('GET', `/api/v1/ingest/receipts/${receipt}`, {
    headers: { authorization: `Bearer ${weir.token}` },
  });
  expect(JSON.parse(status.text)).toMatchObject({
    state: 'stored',
    counts: { stored: ODD.length, dead_letter: 0 },
  });
  const schema = await weir.request('GET', `/api/v1/projects/${weir.project}/schema?properties=1`, {
    headers: { authorization: `Bearer ${weir.key}` },
  });
  const described = (
    JSON.parse(schema.text) as { events: { event: string; properties: { key: string }[] }[] }
  ).events;
  for (const odd of ODD) {
    const keys = Object.keys(storedOf(odd) as object).slice(0, 100);
    const one = described.find(({ event }) => event === odd.name);
    if (keys.length < 100) expect(one?.properties.map(({ key }) => key).sort()).toEqual(keys.sort());
    const tool = await mcp.call('describe_event', { event: odd.name });
    expect(tool).toMatchObject({ isError: false, structured: { event: odd.name } });
  }
  for (const sql of ['SELECT * FROM events', 'SELECT event, properties::JSON FROM events']) {
    expect(await mcp.call('query', { sql })).toMatchObject({ isError: false });
  }
  expect(await mcp.call('tail', { limit: 100 })).toMatchObject({ isError: false });
});
