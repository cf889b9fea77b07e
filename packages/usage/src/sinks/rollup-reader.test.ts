import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UsageEvent } from '@weir/extension';
import { openPostgres } from '@weir/postgres';
import { type StoreForm, storeForms, type TestStore, testServer } from '@weir/postgres/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { give, record } from '../conformance/records.js';
import { USAGE_GROUPS, type UsageGroup, type UsageTotal, UsageTotals } from './rollup-reader.js';
import { RollupSink } from './rollup-sink.js';

const TENANT = 'p';
const STACKS = ['query:POST /query', 'ingest:POST /i'];
/** Two days and an hour, over the end of a month, hour by hour. */
const START = Date.UTC(2026, 1, 27, 22);
const HOURS = 53;

/** The expected totals, summed record by record. */
function expected(events: readonly UsageEvent[], groupBy: readonly UsageGroup[]): UsageTotal[] {
  const groups = new Map<string, UsageEvent[]>();
  const keyOf = (event: UsageEvent): Record<string, string> => ({
    ...(groupBy.includes('hour') ? { hour: `${event.time.slice(0, 13)}:00:00Z` } : {}),
    ...(groupBy.includes('day') ? { day: event.time.slice(0, 10) } : {}),
    ...(groupBy.includes('src') ? { src: event.src } : {}),
    ...(groupBy.includes('stack') ? { stack: event.stack } : {}),
  });
  if (groupBy.length === 0) groups.set('{}', []);
  for (const event of events) {
    const key = JSON.stringify(keyOf(event));
    groups.set(key, [...(groups.get(key) ?? []), event]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, all]) => {
      const runs = all.filter(({ src }) => src === 'compute');
      const requests = groupBy.includes('src') ? all : all.filter(({ src }) => src !== 'compute');
      const sum = (list: readonly UsageEvent[], of: (event: UsageEvent) => number) =>
        list.reduce((total, event) => total + of(event), 0);
      return {
        ...JSON.parse(key),
        requests: requests.length,
        errors: sum(requests, ({ status }) => (status === 'error' ? 1 : 0)),
        denied: sum(requests, ({ admissionDenied }) => (admissionDenied ? 1 : 0)),
        events: sum(requests, ({ stack, fuel }) =>
          stack === 'ingest:POST /api/v1/ingest/events' ? Math.max(0, fuel - 10) : 0,
        ),
        fuel: sum(requests, ({ fuel }) => fuel),
        billableFuel: sum(requests, ({ fuel, billable }) => (billable ? fuel : 0)),
        bytesIn: sum(requests, ({ bytesIn }) => bytesIn),
        bytesOut: sum(requests, ({ bytesOut }) => bytesOut),
        durationMs: sum(requests, ({ durationMs }) => durationMs),
        engineMs: sum(runs, ({ durationMs }) => durationMs),
        maxMemBytes: Math.max(0, ...all.map(({ memBytes }) => memBytes)),
      };
    });
}

/** Hours and days are UTC in any time zone of the database. */
const farFromUtc: StoreForm = {
  name: 'a PostgreSQL server in another time zone',
  open: async () => {
    const database = await testServer();
    const dataDir = await mkdtemp(join(tmpdir(), 'weir-totals-'));
    const options = { url: `${database.url}?options=-c%20timezone%3DAsia%2FKolkata`, dataDir };
    const postgres = openPostgres(options);
    await postgres.ready;
    const { rows } = await postgres.db.execute('show timezone');
    expect(rows).toEqual([{ TimeZone: 'Asia/Kolkata' }]);
    const close = async () => {
      await postgres.close();
      await database.close();
      await rm(dataDir, { recursive: true });
    };
    return { postgres, options, close };
  },
};

describe.each([...storeForms, farFromUtc])('usage totals over $name', (form) => {
  let store: TestStore;
  let totals: UsageTotals;
  const events = Array.from({ length: 2_000 }, (_, n) => ({
    ...record(n),
    tenant: TENANT,
    stack: STACKS[n % 2] ?? '',
    nodeId: `node-${n % 3}`,
    time: new Date(START + ((n * 7_919_333) % (HOURS * 3_600_000))).toISOString(),
  }));
  beforeAll(async () => {
    store = await form.open();
    totals = new UsageTotals(store.postgres);
    const sink = new RollupSink(store.postgres);
    const others = events.slice(0, 10).map((event) => ({ ...event, logId: 'others', tenant: 'q' }));
    const given = give(sink, [...events, ...others]);
    await sink.close(AbortSignal.timeout(20_000));
    await given;
  });
  afterAll(() => store?.close());

  it('are the sums of the records, for any period and grouping', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: HOURS }),
        fc.integer({ min: 0, max: HOURS }),
        fc.subarray([...USAGE_GROUPS]),
        async (a, b, groupBy) => {
          const [from, to] = [Math.min(a, b), Math.max(a, b)].map(
            (hour) => new Date(START + hour * 3_600_000),
          );
          if (from === undefined || to === undefined) return;
          const within = events.filter(({ time }) => Date.parse(time) >= +from && Date.parse(time) < +to);
          expect(await totals.read({ tenant: TENANT, from, to, groupBy })).toEqual(expected(within, groupBy));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are zeros without records, and no rows without groups', async () => {
    const span = { tenant: "nobody's", from: new Date(0), to: new Date() };
    expect(await totals.read({ ...span, groupBy: [] })).toEqual(expected([], []));
    expect(await totals.read({ ...span, groupBy: ['day'] })).toEqual([]);
  });
});
