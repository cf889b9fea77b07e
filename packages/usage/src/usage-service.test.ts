import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@weir/base';
import type { Sink, UsageEvent } from '@weir/extension';
import { type Log, openLog } from '@weir/log';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { USAGE_STREAM } from './records/entry.js';
import type { RequestEnd } from './records/request-record.js';
import { HttpSink } from './sinks/http-sink.js';
import { SinkRegistry } from './sinks/registry.js';
import { EventReceiver } from './sinks/testing/event-receiver.js';
import { UsageService } from './usage-service.js';

const END: RequestEnd = { httpStatus: 200, isWhole: true, bytesIn: 100, bytesOut: 200 };
const START = { rid: 'r1', src: 'http', stack: 'query:POST /q' } as const;

/** Keeps records in memory; fails or hangs on demand. */
class Keeper implements Sink {
  readonly kept: UsageEvent[] = [];
  readonly name: string;
  mode: 'keep' | 'reject' | 'throw' | 'hang' = 'keep';
  closed = 0;

  constructor(name: string) {
    this.name = name;
  }

  writeEvent(event: UsageEvent): void | Promise<void> {
    if (this.mode === 'throw') throw new Error('thrown');
    if (this.mode === 'reject') return Promise.reject(new Error('rejected'));
    if (this.mode === 'hang') return new Promise(() => {});
    this.kept.push(event);
  }

  close(): void {
    this.closed += 1;
  }

  get ids(): string[] {
    return this.kept.map(({ id }) => id);
  }
}

let directory: string;
let log: Log;
let services: UsageService[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'weir-usage-'));
  services = [];
  await open();
});
afterEach(async () => {
  for (const service of services) await service.close();
  await log.close();
  rmSync(directory, { recursive: true, force: true });
});

async function open(): Promise<void> {
  log = await openLog({ engine: 'lmdb', path: join(directory, 'log') });
}

async function serve(
  sinks: readonly Keeper[],
  options: { readonly ageMs?: number; readonly bytes?: number; readonly now?: () => number } = {},
): Promise<UsageService> {
  const registry = new SinkRegistry();
  for (const sink of sinks) registry.register(sink.name, () => sink);
  const { ageMs = 1e9, bytes = 1e9, now = Date.now } = options;
  const service = await UsageService.open({
    log,
    registry,
    sinks: sinks.map(({ name }) => name),
    nodeId: 'node-1',
    dataDir: directory,
    retention: { ageMs, bytes },
    logger: silentLogger,
    now,
  });
  services.push(service);
  await service.start();
  return service;
}

/** Simulates a kill: only the log remains. */
async function kill(): Promise<void> {
  services = [];
  await log.close();
  await open();
}

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  await vi.waitFor(async () => expect(await condition()).toBe(true), { timeout: 40_000, interval: 20 });
};

it('waits as long as the receiver of the http sink requests', async () => {
  const receiver = await new EventReceiver().listen();
  receiver.answers.push('refuse for a second');
  const registry = new SinkRegistry().register('http', () => new HttpSink({ url: receiver.origin }));
  const options = {
    nodeId: 'node-1',
    dataDir: directory,
    retention: { ageMs: 1e9, bytes: 1e9 },
    logger: silentLogger,
  };
  const service = await UsageService.open({ log, registry, sinks: ['http'], ...options });
  services.push(service);
  await service.start();
  service.begin(START).end(END);
  try {
    await until(() => receiver.events.length === 1);
    const [refused, taken] = receiver.requests;
    // The sink collects records for up to a second more; without the header the retry would follow after 0.1 s.
    expect((taken?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThan(1_900);
  } finally {
    await receiver.close();
  }
});

it('records a request with all facts about it', async () => {
  const sink = new Keeper('one');
  const service = await serve([sink]);
  const record = service.begin(START);
  record.route('mcp', 'mcp:POST /mcp');
  record.identify('project', 'key');
  record.call();
  const ended = record.compute();
  await record.open();
  record.end(END);
  // The record waits for the engine, however late.
  const other = service.begin(START);
  other.end(END);
  await until(() => sink.kept.length === 1);
  ended({ engineMs: 12.6, readRows: 250_000, memoryBytes: 4096, ok: true });
  await until(() => sink.kept.length === 3);
  const [first, compute, whole] = sink.kept;
  expect(first).toMatchObject({ id: other.id, tenant: '_sys', billable: false, fuel: 10, memBytes: 0 });
  expect(first).not.toHaveProperty('principal');
  expect(compute).toMatchObject({
    src: 'compute',
    parent: record.id,
    rid: 'r1',
    tenant: 'project',
    durationMs: 13,
    memBytes: 4096,
    fuel: 0,
    billable: false,
  });
  expect(whole).toMatchObject({
    id: record.id,
    logId: log.id,
    nodeId: 'node-1',
    version: 1,
    rid: 'r1',
    tenant: 'project',
    principal: 'key',
    src: 'mcp',
    stack: 'mcp:POST /mcp',
    status: 'ok',
    httpStatus: 200,
    bytesIn: 100,
    bytesOut: 200,
    fuel: 10 + 25 + 2 + 12,
    admissionDenied: false,
    billable: true,
  });
  expect(sink.kept.map(({ seq }) => seq)).toEqual(sink.kept.map(({ seq }) => seq).toSorted((a, b) => a - b));
});

it('bills nothing for denied requests, and of several calls only the admitted ones', async () => {
  const sink = new Keeper('one');
  const service = await serve([sink]);
  const [denied, mixed, failed, cut] = [1, 2, 3, 4].map(() => {
    const record = service.begin(START);
    record.identify('project', 'key');
    return record;
  });
  denied?.denyCall('rate_limited');
  mixed?.denyCall('rate_limited');
  mixed?.call();
  failed?.end({ ...END, httpStatus: 404 });
  cut?.end({ ...END, isWhole: false });
  denied?.end(END);
  mixed?.end(END);
  await until(() => sink.kept.length === 4);
  const by = new Map(sink.kept.map((event) => [event.id, event]));
  expect(by.get(denied?.id ?? '')).toMatchObject({
    admissionDenied: true,
    admissionReason: 'rate_limited',
    billable: false,
    fuel: 0,
    status: 'error',
  });
  expect(by.get(mixed?.id ?? '')).toMatchObject({
    admissionDenied: false,
    billable: true,
    fuel: 35,
    status: 'error',
  });
  expect(by.get(failed?.id ?? '')).toMatchObject({
    httpStatus: 404,
    status: 'error',
    billable: true,
    fuel: 10,
  });
  expect(by.get(cut?.id ?? '')).toMatchObject({ httpStatus: 200, status: 'error' });
});

it('counts events accepted after their client has disconnected, in one record', async () => {
  const sink = new Keeper('one');
  const service = await serve([sink]);
  const record = service.begin(START);
  const release = record.hold();
  record.identify('project', 'key');
  record.end({ ...END, httpStatus: null, isWhole: false });
  const part = record.part(1_000);
  const [place = null] = await log.appendAll([part]);
  record.settled(part, place);
  expect(sink.kept).toEqual([]);
  release();
  await until(() => sink.kept.length === 1);
  expect(sink.kept[0]).toMatchObject({ id: record.id, fuel: 1_010, billable: true, status: 'error' });
  services = [];
  await service.close();
  const next = new Keeper('one');
  await serve([next]);
  await until(async () => (await log.cursor(USAGE_STREAM, 'recovery').get())?.offset !== undefined);
  expect(next.kept).toEqual([]);
});

it('bills the events in the log for a request with several appends, also after a kill', async () => {
  const service = await serve([new Keeper('one')]);
  const [large, small] = [service.begin(START), service.begin(START)];
  const append = async (record: typeof large, events: number): Promise<void> => {
    const part = record.part(events);
    const [place = null] = await log.appendAll([part]);
    record.settled(part, place);
  };
  await append(large, 500);
  await append(small, 7);
  const failed = large.part(500);
  large.settled(failed, null);
  await append(large, 300);
  // Checkpoints the offset from which requests may be open.
  services = [];
  await service.close();
  await kill();
  const sink = new Keeper('one');
  await serve([sink]);
  await until(() => sink.kept.length === 2);
  expect(Object.fromEntries(sink.kept.map(({ id, fuel }) => [id, fuel]))).toEqual({
    [large.id]: 10 + 800,
    [small.id]: 10 + 7,
  });
});

it('counts the events of stored appends, even if a later one failed', async () => {
  const sink = new Keeper('one');
  const service = await serve([sink]);
  const record = service.begin(START);
  const [first, second] = [record.part(500), record.part(500)];
  record.settled(second, null);
  expect(record.isOpen).toBe(true);
  const [place = null] = await log.appendAll([first]);
  record.settled(first, place);
  await record.open();
  record.end({ ...END, httpStatus: null, isWhole: false });
  await until(() => sink.kept.length === 1);
  expect(sink.kept[0]).toMatchObject({ id: record.id, fuel: 510, status: 'error' });
});

it('bills no 5xx answer, whatever work was done', async () => {
  const sink = new Keeper('one');
  const service = await serve([sink]);
  for (const httpStatus of [500, 503, 499, 200]) {
    const record = service.begin(START);
    record.identify('project', 'key');
    record.accepted(3);
    record.end({ ...END, httpStatus });
  }
  await until(() => sink.kept.length === 4);
  expect(sink.kept.map(({ httpStatus, billable, fuel }) => [httpStatus, billable, fuel])).toEqual([
    [500, false, 0],
    [503, false, 0],
    [499, true, 13],
    [200, true, 13],
  ]);
});

it('passes every sink the same record, which none can change', async () => {
  const [thief, honest] = [new Keeper('thief'), new Keeper('honest')];
  const failures: unknown[] = [];
  thief.writeEvent = (event) => {
    try {
      Object.assign(event, { tenant: 'stolen' });
    } catch (error) {
      failures.push(error);
    }
  };
  const service = await serve([thief, honest]);
  service.begin(START).end(END);
  await until(() => honest.kept.length === 1 && failures.length === 1);
  expect(honest.kept[0]?.tenant).toBe('_sys');
});

it('starts a new sink with later records, and a returning one at its cursor', async () => {
  const [first, later] = [new Keeper('first'), new Keeper('later')];
  const request = (service: UsageService) => service.begin(START).end(END);
  let service = await serve([first]);
  request(service);
  await until(() => first.kept.length === 1);
  services = [];
  await service.close();
  service = await serve([first, later]);
  request(service);
  await until(() => first.kept.length === 2 && later.kept.length === 1);
  expect(later.ids).toEqual(first.ids.slice(1));
});

it('has exactly one record of each opened request, through kills and restarts', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant('request' as const) },
    { weight: 3, arbitrary: fc.constant('open' as const) },
    { weight: 2, arbitrary: fc.constant('with events' as const) },
    { weight: 2, arbitrary: fc.constant('kill' as const) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      await log.close();
      rmSync(join(directory, 'log'), { recursive: true, force: true });
      await open();
      // By id: a redelivery after a kill is the same record.
      const kept = new Map<string, UsageEvent>();
      const opened = new Map<string, 'done' | 'left'>();
      const run = async (): Promise<UsageService> => {
        const sink = new Keeper('one');
        sink.writeEvent = (event) => {
          const known = kept.get(event.id);
          if (known !== undefined) expect(event).toEqual(known);
          kept.set(event.id, event);
        };
        return await serve([sink]);
      };
      let service = await run();
      for (const one of steps) {
        if (one === 'kill') {
          await kill();
          service = await run();
        } else if (one === 'restart') {
          services = [];
          await service.close();
          service = await run();
        } else {
          const record = service.begin(START);
          if (one === 'with events') {
            const part = record.part(3);
            const [place = null] = await log.appendAll([part]);
            record.settled(part, place);
          } else {
            await record.open();
          }
          opened.set(record.id, 'left');
          if (one === 'request') {
            record.end(END);
            opened.set(record.id, 'done');
          }
        }
      }
      services = [];
      await service.close();
      await run();
      await until(() => kept.size === opened.size);
      for (const [id, state] of opened) {
        // A request whose completion was in flight at the kill counts as left.
        if (state === 'left') expect(kept.get(id)).toMatchObject({ status: 'error', rid: 'r1' });
        expect(kept.has(id)).toBe(true);
      }
      services = [];
    }),
    { numRuns: 15 },
  );
});

it('continues for other sinks while one fails or hangs, and passes it everything when it recovers', async () => {
  const [good, bad, hanging] = [new Keeper('good'), new Keeper('bad'), new Keeper('hanging')];
  bad.mode = 'reject';
  hanging.mode = 'hang';
  const service = await serve([good, bad, hanging]);
  const ids: string[] = [];
  const request = async (): Promise<void> => {
    const record = service.begin(START);
    ids.push(record.id);
    await record.open();
    record.end(END);
  };
  for (let i = 0; i < 50; i += 1) await request();
  await until(() => good.kept.length === 50);
  await until(async () =>
    (await service.status()).sinks.some(({ name, failures }) => name === 'bad' && failures > 1),
  );
  bad.mode = 'throw';
  await request();
  await until(() => good.kept.length === 51);
  bad.mode = 'keep';
  await until(() => new Set(bad.ids).size === 51);
  expect(good.ids).toEqual(ids);
  expect([...new Set(bad.ids)]).toEqual(ids);
  const { sinks } = await service.status();
  expect(sinks.find(({ name }) => name === 'hanging')?.lag).toBeGreaterThan(50);
  // A hanging sink is not awaited forever; its records are redelivered.
  services = [];
  await service.close();
  expect([good.closed, bad.closed, hanging.closed]).toEqual([1, 1, 1]);
  const next = new Keeper('hanging');
  await serve([next]);
  await until(() => next.kept.length === 51);
  expect(next.ids).toEqual(ids);
});

it('frees entries that every sink has stored, and those that have waited too long, counted', async () => {
  let clock = 1_800_000_000_000;
  const [good, hanging] = [new Keeper('good'), new Keeper('hanging')];
  hanging.mode = 'reject';
  const service = await serve([good, hanging], { ageMs: 60_000, now: () => clock });
  const request = async (count: number): Promise<void> => {
    const before = good.kept.length;
    for (let i = 0; i < count; i += 1) {
      const record = service.begin(START);
      await record.open();
      record.end(END);
    }
    await until(() => good.kept.length === before + count);
  };
  await request(30);
  clock += 100_000;
  await request(20);
  await until(async () => (await service.status()).sinks.some(({ dropped }) => dropped === 30));
  hanging.mode = 'keep';
  await until(() => hanging.kept.length === 20);
  expect(hanging.ids).toEqual(good.ids.slice(30));
  await until(async () => (await log.stats(USAGE_STREAM)).entries === 0);
  expect((await service.status()).sinks).toMatchObject([
    { name: 'good', dropped: 0, lag: 0 },
    { name: 'hanging', dropped: 30, lag: 0 },
  ]);
});

it('drops the oldest records when they exceed their bytes', async () => {
  const [good, hanging] = [new Keeper('good'), new Keeper('hanging')];
  hanging.mode = 'reject';
  const service = await serve([good, hanging], { bytes: 20_000 });
  for (let i = 0; i < 200; i += 1) {
    const record = service.begin(START);
    await record.open();
    record.end(END);
  }
  await until(() => good.kept.length === 200);
  // It retries with growing pauses, and detects the loss at the next retry.
  await vi.waitFor(async () => expect((await service.status()).sinks[1]?.dropped).toBeGreaterThan(0), {
    timeout: 40_000,
    interval: 50,
  });
  for (let i = 0; i < 20; i += 1) service.begin(START).end(END);
  hanging.mode = 'keep';
  await vi.waitFor(() => expect(hanging.ids.at(-1)).toBe(good.ids.at(-1)), { timeout: 40_000, interval: 50 });
  const { sinks } = await service.status();
  expect(hanging.ids).toEqual(good.ids.slice(sinks[1]?.dropped));
  expect((await log.stats(USAGE_STREAM)).bytes).toBeLessThanOrEqual(20_000);
});
