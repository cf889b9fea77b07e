import { afterAll, beforeAll, expect, it } from 'vitest';
import { type GateEngine, startGateEngine } from '../testing/gate-engine.js';
import { ALLOWED_AGGREGATES, ALLOWED_FUNCTIONS } from './allowed.js';
import { allowedSource } from './allowed-source.js';
import { type EngineFunction, engineFunctions, reviewFunctions } from './engine-functions.js';
import { functionVerdict } from './function-verdict.js';
import { HIGHER_ORDER } from './names-in-arguments.js';
import { REFUSED_GROUPS } from './refused.js';
import { TIME_ZONE_FROM } from './time-zone-arguments.js';

let engine: GateEngine;
let functions: EngineFunction[];

beforeAll(async () => {
  engine = await startGateEngine();
  functions = await engineFunctions(engine.admin);
});

afterAll(() => engine?.close());

it('has a reviewed verdict on every function of this engine, and on no other', () => {
  const { unreviewed, gone } = reviewFunctions(functions);
  // After an upgrade: read what they do, then `npm run functions -w @weir/query -- <those to allow>`, or refused.ts.
  expect(unreviewed.map((f) => f.name)).toEqual([]);
  expect(gone).toEqual([]);
  expect(functions.length).toBeGreaterThan(1_000);
});

it('refuses a name in any case, with any combinator, and unknown names', () => {
  for (const name of REFUSED_GROUPS.flatMap((group) => group.names)) {
    for (const spelling of [name, name.toUpperCase(), name.toLowerCase()]) {
      expect(functionVerdict(spelling), spelling).toMatchObject({ kind: 'refused' });
    }
  }
  expect(functionVerdict('flameGraphStateIf')).toMatchObject({ kind: 'refused' });
  expect(functionVerdict('aFunctionOfTomorrow')).toEqual({ kind: 'unknown' });
  expect(functionVerdict('lengthIf')).toEqual({ kind: 'unknown' });
  expect(functionVerdict('constructor')).toEqual({ kind: 'unknown' });
  for (const name of [...ALLOWED_FUNCTIONS, ...ALLOWED_AGGREGATES]) {
    expect(functionVerdict(name), name).toEqual({ kind: 'allowed' });
  }
  for (const name of [
    'sumIf',
    'uniqMergeState',
    'sumMap',
    'avgOrNullIf',
    'countResample',
    'quantilesArrayIf',
  ]) {
    expect(functionVerdict(name), name).toEqual({ kind: 'allowed' });
  }
});

it('resolves every combinator of the engine, and only those', async () => {
  const rows = await engine.admin.query<{ name: string }>(
    'SELECT name FROM system.aggregate_function_combinators WHERE NOT is_internal',
  );
  for (const { name } of rows) expect(functionVerdict(`sum${name}`), name).toEqual({ kind: 'allowed' });
  expect(functionVerdict('sumNull')).toEqual({ kind: 'unknown' });
});

it('knows which functions take functions by name', async () => {
  const rows = await engine.admin.query<{ name: string }>(
    'SELECT lower(name) AS name FROM system.functions WHERE higher_order = 1 ORDER BY name',
  );
  expect(rows.map((row) => row.name).sort()).toEqual([...HIGHER_ORDER].sort());
});

it('writes allowed.ts again as it is', () => {
  const source = allowedSource(functions, new Set());
  const listed = source
    .match(/names\(`\n([^`]*)`/g)
    ?.map((list) => list.slice('names(`'.length, -1).trim().split(/\s+/));
  expect(listed).toEqual([[...ALLOWED_FUNCTIONS], [...ALLOWED_AGGREGATES]]);
  const fewer = functions.filter((f) => f.name !== 'abs');
  expect(
    allowedSource([...fewer, { name: 'fresh', aggregate: false, description: '' }], new Set(['fresh'])),
  ).toMatch(/^(?!.*\babs\b).*\bfresh\b/s);
});

/** Arguments that may precede a time zone. */
const BEFORE_ZONE = [
  '',
  `toDateTime('2020-01-01 00:00:00', 'UTC'), `,
  `toDateTime64('2020-01-01 00:00:00', 3, 'UTC'), `,
  `'2020-01-01 00:00:00', `,
  'toUInt64(1), ',
  'toInt64(1), ',
  `toDateTime('2020-01-01 00:00:00', 'UTC'), 1, `,
  `'day', toDateTime('2020-01-01 00:00:00', 'UTC'), `,
  `toDateTime('2020-01-01 00:00:00', 'UTC'), toIntervalDay(1), `,
];

it.skipIf(process.env.WEIR_SOAK !== '1')(
  'knows every function that takes a time zone',
  async () => {
    const found = new Set<string>();
    for (const { name, aggregate } of functions) {
      if (aggregate || functionVerdict(name).kind !== 'allowed') continue;
      for (const before of BEFORE_ZONE) {
        const failure: unknown = await engine.admin
          .query(`SELECT ${name}(${before}'No/Such_Zone')`, { timeoutMs: 5_000 })
          .catch((error: { detail?: string }) => error.detail ?? '');
        if (/load time zone No\/Such_Zone/.test(String(failure))) found.add(name.toLowerCase());
      }
    }
    expect([...found].filter((name) => !TIME_ZONE_FROM.has(name))).toEqual([]);
    expect(found.size).toBeGreaterThan(100);
  },
  600_000,
);
