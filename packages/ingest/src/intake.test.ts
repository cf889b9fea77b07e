import { Slice, silentLogger } from '@weir/base';
import { type Log, LogError, openLog, type Part } from '@weir/log';
import { expect, test } from 'vitest';
import type { Companion } from './companion.js';
import { IdWindow } from './dedup/id-window.js';
import { IngestEntry } from './entry.js';
import { Flags } from './flags.js';
import { type Arrival, Intake } from './intake.js';
import { LogShares } from './log-shares.js';
import { INGEST_DEFAULTS, type IngestOptions } from './options.js';
import { Pending } from './pending.js';
import { readRow } from './rows.js';
import type { ValidEvent } from './validate.js';

const PROJECT = '0190d3c2-0000-7000-8000-000000000001';
const STREAM = 'ingest';
const AT = 1_800_000_000_000;

function event(fields: Partial<ValidEvent> = {}): ValidEvent {
  return {
    event: 'e',
    timestamp: AT,
    event_id: null,
    anonymous_id: null,
    user_id: null,
    session_id: null,
    properties: '{}',
    extras: '{}',
    ...fields,
  };
}

const events = (count: number): ValidEvent[] =>
  Array.from({ length: count }, (_, index) => event({ event: `e${index}` }));

/** Counts the events of stored appends. */
class Counter implements Companion {
  readonly #sizes = new Map<Part, number>();
  stored = 0;
  settledParts = 0;

  part(count: number): Part {
    const part = { stream: 'records', entries: [Buffer.from(String(count))] };
    this.#sizes.set(part, count);
    return part;
  }

  settled(part: Part, place: object | null): void {
    this.settledParts += 1;
    if (place !== null) this.stored += this.#sizes.get(part) ?? 0;
  }
}

interface Setup {
  readonly log?: Log;
  readonly options?: Partial<IngestOptions>;
  /** Ids in memory before they are written as a run. */
  readonly tableIds?: number;
}

async function open({ log: given, options: changed = {}, tableIds = 2 ** 19 }: Setup = {}) {
  const log = given ?? (await openLog({ engine: 'memory' }));
  const options = { ...INGEST_DEFAULTS, usageSink: () => {}, ...changed } as IngestOptions;
  const ids = await IdWindow.open(log, STREAM, { windowMs: 1e9, maxIds: 1e6, tableIds, now: () => AT });
  const pending = new Pending(options.eventBuffer, options.eventBufferBytes);
  const shares = new LogShares((await log.size()).maxBytes);
  const parts = {
    log,
    stream: STREAM,
    ids,
    pending,
    shares,
    flags: new Flags(),
    logger: silentLogger,
    options,
  };
  const intake = new Intake({ ...parts, onAppended: () => {} });
  const take = (sent: readonly ValidEvent[], more: Partial<Arrival> = {}) =>
    intake.take({ projectId: PROJECT, events: sent, receivedAt: AT, ...more });
  const bytes = async () => (await log.stats(STREAM)).bytes;
  const names = async () => {
    const entries = await log.read(STREAM, { after: 0, maxBytes: Number.MAX_SAFE_INTEGER });
    return entries.flatMap(({ data }) => {
      const entry = new IngestEntry(data);
      return Array.from({ length: entry.count }, (_, i) => readRow(entry.rows, entry.rowStart(i)).event);
    });
  };
  return { log, take, ids, pending, shares, bytes, names };
}

/** A log with another `appendAll`. */
function withAppends(log: Log, appendAll: Log['appendAll']): Log {
  return new Proxy(log, {
    get(target, property) {
      if (property === 'appendAll') return appendAll;
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A log that fails the append with this number to the ingest stream. */
function failing(log: Log, number: number): Log {
  let appends = 0;
  return withAppends(log, (parts) => {
    appends += 1;
    return appends === number
      ? Promise.reject(new LogError('log_full', 'the disk is full'))
      : log.appendAll(parts);
  });
}

/** A log that reports the result of an append some turns of the event loop later, like a disk. */
function slow(log: Log, onResult: () => void = () => {}): Log {
  return withAppends(log, async (parts) => {
    const places = await log.appendAll(parts);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    onResult();
    return places;
  });
}

test.each([
  ['with empty properties', event()],
  ['with ids', event({ user_id: 'u'.repeat(600), session_id: 'ü'.repeat(200) })],
  ['with properties', event({ properties: JSON.stringify({ text: '€'.repeat(300) }) })],
])('a nearly full buffer refuses all events %s of a large arrival, or none', async (_, one) => {
  const sent = Array.from({ length: 2_000 }, () => one);
  const whole = await open();
  await whole.take(sent);
  const needed = await whole.bytes();
  expect([whole.pending.events, whole.pending.bytes]).toEqual([2_000, needed]);

  const tight = await open({ options: { eventBufferBytes: needed } });
  const [small] = [event()];
  await tight.take([small]);
  const before = await tight.bytes();
  await expect(tight.take(sent)).rejects.toMatchObject({ code: 'ingest_full' });
  expect(await tight.bytes()).toBe(before);
  expect([tight.pending.events, tight.pending.bytes]).toEqual([1, before]);

  const enough = await open({ options: { eventBufferBytes: needed + before } });
  await enough.take([small]);
  expect(await enough.take(sent)).toMatchObject({ accepted: 2_000, duplicates: 0 });
  expect(await enough.bytes()).toBe(needed + before);
});

test('a large arrival keeps its room while other requests fill the buffer', async () => {
  const sent = events(2_000);
  const whole = await open();
  await whole.take(sent);
  const needed = await whole.bytes();
  const { take, pending, bytes } = await open({ options: { eventBufferBytes: needed + 1_000 } });
  // Yield before each part, so that the other requests run in between.
  const others: Promise<unknown>[] = [];
  const large = event({ properties: JSON.stringify({ text: 'x'.repeat(100_000) }) });
  class Interrupted extends Slice {
    override get isOver(): boolean {
      return true;
    }
    override async next(): Promise<void> {
      if (pending.events > 0) others.push(take([large]).catch((error: Error) => error));
      await super.next();
    }
  }
  expect(await take(sent, { slice: new Interrupted() })).toMatchObject({ accepted: 2_000 });
  const results = await Promise.all(others);
  expect(results.length).toBeGreaterThan(2);
  for (const result of results) expect(result).toMatchObject({ code: 'ingest_full' });
  expect(pending.bytes).toBe(await bytes());
});

test('the quota of a project rejects all of a large arrival, or none', async () => {
  const sent = events(4_000);
  const whole = await open();
  await whole.take(sent);
  const needed = await whole.bytes();
  const log = await openLog({ engine: 'memory', maxBytes: needed * 3 });
  const { take, shares, bytes } = await open({ log });
  // Another stream leaves less than a quarter of the log free after the arrival.
  await log.append('other', [Buffer.alloc(Math.floor(needed * 1.4))]);
  await expect(take(sent)).rejects.toMatchObject({ code: 'project_quota' });
  expect([await bytes(), shares.of(PROJECT)]).toEqual([0, 0]);
  expect((await log.size()).quotaRefusals).toBe(1);
  expect(await take(sent.slice(0, 1_500))).toMatchObject({ accepted: 1_500 });
  expect(shares.of(PROJECT)).toBe(await bytes());
});

test('a nearly full log rejects all of a large arrival', async () => {
  const log = await openLog({ engine: 'memory', maxBytes: 200_000 });
  const { take, bytes, pending } = await open({ log });
  await expect(take(events(2_000))).rejects.toMatchObject({ code: 'log_full' });
  expect([await bytes(), pending.events, pending.bytes]).toEqual([0, 0, 0]);
});

test('a companion counts the stored events of an arrival whose later part failed', async () => {
  const log = failing(await openLog({ engine: 'memory' }), 3);
  const { take, names, pending, shares, bytes } = await open({ log });
  const companion = new Counter();
  await expect(take(events(1_500), { companion })).rejects.toMatchObject({ code: 'log_full' });
  expect(companion.stored).toBe(1_000);
  expect(await names()).toHaveLength(1_000);
  expect((await log.stats('records')).entries).toBe(2);
  expect([pending.events, pending.bytes]).toEqual([1_000, await bytes()]);
  expect(shares.of(PROJECT)).toBe(await bytes());
});

test('no part of an arrival is stored after one that failed', async () => {
  const log = failing(await openLog({ engine: 'memory' }), 2);
  const { take, names } = await open({ log });
  class Interrupted extends Slice {
    override get isOver(): boolean {
      return true;
    }
  }
  await expect(take(events(5_000), { slice: new Interrupted() })).rejects.toMatchObject({ code: 'log_full' });
  expect(await names()).toEqual(events(500).map((one) => one.event));
});

test('a companion is in the commit of each part, and no part waits for the commit of another', async () => {
  const memory = await openLog({ engine: 'memory' });
  let appends = 0;
  let appendsAtFirstResult = 0;
  const counted = withAppends(memory, (parts) => {
    appends += 1;
    expect(parts.map(({ stream }) => stream)).toEqual([STREAM, 'records']);
    return memory.appendAll(parts);
  });
  const log = slow(counted, () => {
    appendsAtFirstResult ||= appends;
  });
  const { take } = await open({ log });
  const companion = new Counter();
  expect(await take(events(1_500), { companion, slice: new Slice({ ms: 60_000 }) })).toMatchObject({
    accepted: 1_500,
  });
  expect([companion.stored, companion.settledParts, appendsAtFirstResult]).toEqual([1_500, 3, 3]);
});

test.each([
  ['in the log', (log: Log) => log],
  ['on its way to the log', slow],
])('an id in two parts of one arrival, the first %s, is one duplicate', async (_, logOf) => {
  const { take, names, pending, bytes } = await open({ log: logOf(await openLog({ engine: 'memory' })) });
  const sent = events(1_500)
    .with(10, event({ event_id: 'same' }))
    .with(1_200, event({ event_id: 'same' }));
  const companion = new Counter();
  const slice = new Slice({ ms: 60_000 });
  expect(await take(sent, { companion, slice })).toMatchObject({ accepted: 1_499, duplicates: 1 });
  expect(await names()).toHaveLength(1_499);
  expect(companion.stored).toBe(1_499);
  expect([pending.events, pending.bytes]).toEqual([1_499, await bytes()]);
});

test('a retry of a partly stored arrival stores the rest, and counts the others as duplicates', async () => {
  const log = failing(await openLog({ engine: 'memory' }), 2);
  const { take, names } = await open({ log });
  const sent = events(1_000).map((one, index) => ({ ...one, event_id: `id-${index}` }));
  await expect(take(sent)).rejects.toMatchObject({ code: 'log_full' });
  const companion = new Counter();
  expect(await take(sent, { companion })).toMatchObject({ accepted: 500, duplicates: 500 });
  expect(companion.stored).toBe(500);
  expect(await names()).toEqual(sent.map((one) => one.event));
});

test('events whose first copy failed are stored with the companion of the second copy', async () => {
  const log = failing(await openLog({ engine: 'memory' }), 1);
  const { take, names } = await open({ log });
  const one = event({ event_id: 'a' });
  const [first, second] = [new Counter(), new Counter()];
  const lost = take([one], { companion: first });
  const copy = take([one], { companion: second });
  await expect(lost).rejects.toMatchObject({ code: 'log_full' });
  expect(await copy).toMatchObject({ accepted: 1, duplicates: 0 });
  expect([first.stored, second.stored]).toEqual([0, 1]);
  expect(await names()).toEqual(['e']);
});

test('the parts of an arrival are in the log in order, also if the ids of one are looked up on disk', async () => {
  const { take, names, ids } = await open();
  await take([event({ event: 'first', event_id: 'on disk' })]);
  await ids.maintain(true);
  const sent = events(2_300).with(3, event({ event_id: 'on disk' }));
  const { accepted, duplicates, ranges } = await take(sent, { slice: new Slice({ ms: 60_000 }) });
  expect([accepted, duplicates]).toEqual([2_299, 1]);
  expect(await names()).toEqual(['first', ...sent.toSpliced(3, 1).map((one) => one.event)]);
  expect(ranges.map(({ events: count }) => count)).toEqual([499, 500, 500, 500, 300]);
});

test('a large batch without room for its ids is rejected whole, also concurrently with another', async () => {
  // Room for 1,536 ids; a batch is stored in parts of 500.
  const { take, names } = await open({ tableIds: 1024 });
  const withIds = (count: number, name: string) =>
    Array.from({ length: count }, (_, i) => event({ event: name, event_id: `${name}-${i}` }));
  await expect(take(withIds(2_000, 'large'))).rejects.toMatchObject({ code: 'ingest_full' });
  expect(await names()).toEqual([]);
  const both = await Promise.allSettled([take(withIds(1_000, 'one')), take(withIds(1_000, 'other'))]);
  expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect(await names()).toEqual(Array(1_000).fill('one'));
  // The rejected batch holds no room.
  expect(await take(withIds(500, 'third'))).toMatchObject({ accepted: 500 });
});
