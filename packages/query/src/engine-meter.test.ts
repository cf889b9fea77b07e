import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createQueryService } from './create-query-service.js';
import type { EngineMeter, EngineUse } from './engine-meter.js';
import { type GateEngine, startGateEngine } from './gate/testing/gate-engine.js';
import { QueryError } from './query-error.js';
import type { QueryService } from './query-service.js';

const PROJECT = '0192f0c1-0000-7000-8000-00000000000a';
const ENDLESS = 'SELECT sum(sipHash64(number)) FROM numbers(90000000000)';
const LONG = 'SELECT number, toString(number) AS text FROM numbers(3000000)';
const SHORT_MS = 1_500;

let engine: GateEngine;
let query: QueryService;
/** A service with a short time limit. */
let hasty: QueryService;

beforeAll(async () => {
  engine = await startGateEngine();
  const service = (executionMs: number): QueryService =>
    createQueryService({
      reader: engine.reader,
      parser: engine.parser,
      stopper: engine.admin,
      limits: {
        executionMs,
        resultRows: 10_000,
        resultBytes: 2 ** 28,
        memoryBytes: 2 ** 29,
        textBytes: 2 ** 18,
        concurrency: 100,
        queue: 0,
        queueWaitMs: 0,
        engineQueries: 64,
      },
    });
  [query, hasty] = [service(60_000), service(SHORT_MS)];
});

afterAll(() => engine?.close());

/** Records the calls that it receives. */
class Recorder implements EngineMeter {
  readonly statements: { readonly startedAt: number; readonly ends: (EngineUse & { wallMs: number })[] }[] =
    [];

  begun(): (use: EngineUse) => void {
    const statement = { startedAt: performance.now(), ends: [] as (EngineUse & { wallMs: number })[] };
    this.statements.push(statement);
    return (use) => statement.ends.push({ ...use, wallMs: performance.now() - statement.startedAt });
  }
}

async function readAll(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const part of bytes) expect(part.length).toBeGreaterThan(0);
}

const streamed = (sql: string, meter: EngineMeter, signal?: AbortSignal) =>
  query.stream(PROJECT, { sql }, 'ndjson', { meter, ...(signal === undefined ? {} : { signal }) });

/** Every way in which a query may end, with its error code and whether its statement counts as successful. */
const WAYS: Readonly<
  Record<string, { run: (meter: Recorder) => Promise<unknown>; fails?: string; ok: boolean }>
> = {
  'a whole answer': { run: (meter) => query.ask(PROJECT, { sql: 'SELECT 1' }, { meter }), ok: true },
  'an answer cut off': { run: (meter) => query.ask(PROJECT, { sql: LONG }, { meter, maxRows: 3 }), ok: true },
  'a whole stream': {
    run: async (meter) => readAll((await streamed('SELECT number FROM numbers(200000)', meter)).bytes),
    ok: true,
  },
  'a stream left after its first part': {
    run: async (meter) => {
      for await (const _ of (await streamed(LONG, meter)).bytes) break;
    },
    ok: true,
  },
  'a stream nobody reads': {
    // Next to others it may wait for a thread of the engine until its time runs out.
    run: (meter) => hasty.stream(PROJECT, { sql: LONG }, 'ndjson', { meter }).catch(() => {}),
    ok: false,
  },
  'a stream whose client leaves': {
    run: async (meter) => {
      const client = new AbortController();
      const { bytes } = await streamed(LONG, meter, client.signal);
      for await (const _ of bytes) client.abort();
    },
    fails: 'client_gone',
    ok: false,
  },
  'a failure at once': {
    run: (meter) => query.ask(PROJECT, { sql: 'SELECT nothing FROM events' }, { meter }),
    fails: 'query_failed',
    ok: false,
  },
  'a failure after the beginning': {
    run: async (meter) =>
      readAll((await streamed('SELECT throwIf(number = 900000) FROM numbers(1000000)', meter)).bytes),
    fails: 'query_failed',
    ok: false,
  },
  'a client that leaves while it runs': {
    run: async (meter) => {
      const client = new AbortController();
      const asked = query.ask(PROJECT, { sql: ENDLESS }, { meter, signal: client.signal });
      await Promise.race([asked, vi.waitUntil(() => meter.statements.length === 1, 20_000)]);
      client.abort();
      await asked;
    },
    fails: 'client_gone',
    ok: false,
  },
  'time that is up': {
    run: (meter) => hasty.ask(PROJECT, { sql: ENDLESS }, { meter }),
    fails: 'query_timeout',
    ok: false,
  },
};

describe('a meter', () => {
  it('is called once for the end of each statement, for every kind of end', {
    timeout: 120_000,
  }, async () => {
    const ways = fc.array(fc.constantFrom(...Object.keys(WAYS)), { minLength: 1, maxLength: 6 });
    const check = fc.asyncProperty(ways, async (names) => {
      await Promise.all(
        names.map(async (name) => {
          const way = WAYS[name];
          if (way === undefined) throw new Error(name);
          const recorder = new Recorder();
          const failure: unknown = await way.run(recorder).then(
            () => undefined,
            (error: unknown) => (error instanceof QueryError ? error.code : error),
          );
          expect([name, failure]).toEqual([name, way.fails]);
          await vi.waitUntil(() => recorder.statements.every(({ ends }) => ends.length > 0), 20_000);
          expect(recorder.statements).toHaveLength(1);
          const [end] = recorder.statements[0]?.ends ?? [];
          expect([name, end?.ok]).toEqual([name, way.ok]);
          // A query that still waited for a thread of the engine has used none of its time.
          expect(end?.engineMs).toBeGreaterThanOrEqual(way.ok ? Number.MIN_VALUE : 0);
          expect(end?.engineMs).toBeLessThanOrEqual(end?.wallMs ?? 0);
          all.push(recorder);
        }),
      );
    });
    const all: Recorder[] = [];
    await fc.assert(check, {
      // Each way alone, and all at once, in addition to random selections.
      examples: [[Object.keys(WAYS)], ...Object.keys(WAYS).map((name): [string[]] => [[name]])],
      ...(process.env.WEIR_SOAK === '1' ? { numRuns: 200 } : { seed: 1, numRuns: 14 }),
    });
    // No end was reported again while the others ran.
    for (const { statements } of all) expect(statements[0]?.ends).toHaveLength(1);
  });

  it('receives the use of a stopped statement', async () => {
    const recorder = new Recorder();
    await hasty.ask(PROJECT, { sql: ENDLESS }, { meter: recorder }).catch(() => {});
    await vi.waitUntil(() => recorder.statements[0]?.ends.length === 1, 20_000);
    expect(recorder.statements[0]?.ends[0]?.readRows).toBeGreaterThan(100_000);
    expect(recorder.statements[0]?.ends[0]?.memoryBytes).toBeGreaterThan(0);
    expect(recorder.statements[0]?.ends[0]?.engineMs).toBeGreaterThan(SHORT_MS / 2);
  });

  it('is not called if no statement is sent', async () => {
    const recorder = new Recorder();
    const gone = AbortSignal.abort();
    await expect(
      query.ask(PROJECT, { sql: 'SELECT 1' }, { meter: recorder, signal: gone }),
    ).rejects.toThrow();
    await expect(query.ask(PROJECT, { sql: 'SELECT (' }, { meter: recorder })).rejects.toThrow();
    await expect(query.ask(PROJECT, { sql: 'DROP TABLE events' }, { meter: recorder })).rejects.toThrow();
    expect(recorder.statements).toEqual([]);
  });

  it('is called for a catalog query only for the caller that causes it', async () => {
    const [first, second] = [new Recorder(), new Recorder()];
    const asked = [query.describeEvents(PROJECT, { meter: first }), query.events(PROJECT, { meter: second })];
    await Promise.all(asked);
    await query.describeEvents(PROJECT, { meter: second });
    await query.newest(PROJECT, { meter: second });
    expect(first.statements.map(({ ends }) => ends.length)).toEqual([1, 1]);
    expect(second.statements.map(({ ends }) => ends.length)).toEqual([1]);
  });
});
