import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type ApiClient,
  type JsonValue,
  type KeyDefinition,
  type RegisteredKey,
  Registry,
  rawEvent,
} from '../index.js';
import type { EventStream, StreamedEvent, StreamWatcher } from '../source/index.js';
import { ScriptedStream } from '../testing/scripted-stream.js';
import { ConsumeError, consume, type EventSink, prepareConsume, SinkFailure, Stop } from './index.js';

const api: ApiClient = { callApi: () => Promise.reject(new Error('nothing is called here')) };

function keyOf(definition: Partial<KeyDefinition>): RegisteredKey {
  const base = { key: 'k', eventType: 'e', schema: { custom: { raw: {} } } };
  const key = new Registry([{ ...base, ...definition }]).lookup('k');
  if (key === undefined) throw new Error('there is no key');
  return key;
}

/** A finite source of payloads that records acknowledgements. */
class ListStream implements EventStream {
  readonly acknowledged: JsonValue[] = [];
  readonly #payloads: readonly JsonValue[];
  readonly #error: Error | undefined;

  constructor(payloads: readonly JsonValue[], error?: Error) {
    this.#payloads = payloads;
    this.#error = error;
  }

  async *follow(watcher: StreamWatcher): AsyncGenerator<StreamedEvent> {
    watcher.onState('connected');
    for (const payload of this.#payloads) {
      const facts = { event_id: String(payload), event_type: 'e', timestamp: '2026-11-21T10:00:00Z' };
      const event = rawEvent(facts, JSON.stringify(payload));
      yield {
        event,
        ack: async () => {
          this.acknowledged.push(payload);
        },
      };
    }
    if (this.#error !== undefined) throw this.#error;
  }
}

/** A sink that takes the given number of event-loop turns per line and rejects some lines. */
class SlowSink implements EventSink {
  readonly taken: JsonValue[] = [];
  atOnce = 0;
  most = 0;
  readonly #turnsOf: (value: number) => number;
  readonly #isRefused: (value: number) => boolean;

  constructor(turnsOf: (value: number) => number, isRefused: (value: number) => boolean = () => false) {
    this.#turnsOf = turnsOf;
    this.#isRefused = isRefused;
  }

  async write({ lines }: { readonly lines: readonly string[] }): Promise<void> {
    this.atOnce += 1;
    this.most = Math.max(this.most, this.atOnce);
    for (const line of lines) {
      const value = Number(line);
      for (let turn = this.#turnsOf(value); turn > 0; turn -= 1) await new Promise(setImmediate);
      if (this.#isRefused(value)) {
        this.atOnce -= 1;
        throw new SinkFailure('refused');
      }
      this.taken.push(value);
    }
    this.atOnce -= 1;
  }
}

async function run(
  definition: Partial<KeyDefinition>,
  stream: EventStream,
  sink: EventSink,
  options: { readonly maxEvents?: number; readonly startMs?: number } = {},
) {
  const key = keyOf(definition);
  const prepared = await prepareConsume({ key, params: {}, api, identity: 'bot' });
  const lines: string[] = [];
  const report = (line: string) => void lines.push(line);
  return { lines, outcome: await consume(prepared, { stream, sink, stop: new Stop(), report, ...options }) };
}

test('each event reaches the sink once and in order; it is acknowledged unless it failed', async () => {
  const numbers = fc.uniqueArray(fc.nat(999), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(numbers, fc.integer({ min: 1, max: 9 }), async (payloads, bufferSize) => {
      const stream = new ListStream(payloads);
      const sink = new SlowSink(
        (n) => n % 3,
        (n) => n % 7 === 0,
      );
      const { outcome } = await run(
        {
          bufferSize,
          match: ({ payload }) => Number(payload) % 2 === 0,
          process: async (_api, { payload }) => (Number(payload) % 5 === 0 ? null : payload),
        },
        stream,
        sink,
      );
      const wanted = payloads.filter((n) => n % 2 === 0 && n % 5 !== 0);
      expect(sink.taken).toEqual(wanted.filter((n) => n % 7 !== 0));
      expect(sink.most).toBeLessThanOrEqual(1);
      expect(stream.acknowledged).toEqual(payloads.filter((n) => !wanted.includes(n) || n % 7 !== 0));
      const failed = wanted.filter((n) => n % 7 === 0).length;
      expect(outcome).toMatchObject({ reason: 'stdin', received: wanted.length, failed });
    }),
    { numRuns: 40 },
  );
});

test('workers run concurrently and never exceed max-events', async () => {
  const payloads = Array.from({ length: 100 }, (_, i) => i);
  const sink = new SlowSink((n) => 1 + (n % 5));
  const { outcome } = await run({ workers: 4 }, new ListStream(payloads), sink, { maxEvents: 37 });
  expect(sink.most).toBe(4);
  expect(sink.taken).toHaveLength(37);
  expect(new Set(sink.taken).size).toBe(37);
  expect(outcome).toMatchObject({ reason: 'limit', received: 37, failed: 0 });
});

test('events that arrived before an upstream failure are still handled', async () => {
  const gone = new ConsumeError('auth', 'unauthorized', 'the key was revoked');
  const sink = new SlowSink(() => 2);
  const { outcome, lines } = await run({}, new ListStream([1, 2, 3], gone), sink);
  expect(sink.taken).toEqual([1, 2, 3]);
  expect(outcome).toMatchObject({ reason: 'upstream', received: 3, error: gone });
  expect(lines).toEqual(['[event] ready event_key=k']);
});

test('the first failures are reported individually, later ones are counted', async () => {
  const payloads = Array.from({ length: 50 }, (_, i) => i);
  const sink = new SlowSink(
    () => 0,
    () => true,
  );
  const { outcome, lines } = await run({}, new ListStream(payloads), sink);
  expect(outcome).toMatchObject({ received: 50, failed: 50 });
  expect(lines).toHaveLength(1 + 10 + 1);
  expect(lines.at(-1)).toBe('[event] WARN: 50 events failed in all');
});

test('keys that need the bus, and wrong identities, are refused', async () => {
  const prepare = (definition: Partial<KeyDefinition>) =>
    prepareConsume({ key: keyOf(definition), params: {}, api, identity: 'bot', isAlone: true });
  await expect(prepare({ preConsume: () => {} })).rejects.toMatchObject({ kind: 'usage', code: 'needs_bus' });
  await expect(prepare({ singleConsumer: true })).rejects.toMatchObject({ code: 'needs_bus' });
  await expect(prepare({ authTypes: ['user'] })).rejects.toMatchObject({ kind: 'auth' });
  const failing = () => Promise.reject(new Error('no such shop'));
  await expect(prepare({ normalizeParams: failing })).rejects.toMatchObject({
    kind: 'failed',
    message: expect.stringContaining('no such shop'),
  });
});

test('a source that is unreachable from the start is given up after a while', async () => {
  const stream: EventStream = {
    async *follow(watcher, signal) {
      watcher.onState('disconnected', 'unreachable now');
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
  };
  const { outcome } = await run({}, stream, new SlowSink(() => 0), { startMs: 5 });
  expect(outcome).toMatchObject({
    reason: 'upstream',
    error: { kind: 'network', message: expect.stringContaining('unreachable now') },
  });
});

test.each([false, true])(
  'a gap is reported even with --quiet, and ends the consumer with --fail-on-gap: %s',
  async (failOnGap) => {
    const [lines, always]: string[][] = [[], []];
    const event = (id: string) =>
      rawEvent({ event_id: id, event_type: 'e', timestamp: '2026-11-21T10:00:00Z' }, `"${id}"`);
    const gap = { missed: 60_001, message: 'no longer kept' };
    const stream = new ScriptedStream().push(event('a')).gap(gap).push(event('b')).finish();
    const outcome = await consume(
      await prepareConsume({ key: keyOf({}), params: {}, api, identity: 'bot' }),
      {
        stream,
        sink: { write: async () => {} },
        stop: new Stop(),
        report: (line) => lines?.push(line),
        reportAlways: (line) => always?.push(line),
        failOnGap,
      },
    );
    expect(always).toEqual(['[event] WARN: gap: missed 60001 event(s): no longer kept']);
    expect(lines).toEqual(['[event] ready event_key=k']);
    expect(stream.acknowledged.map(({ event_id }) => event_id)).toEqual(failOnGap ? ['a'] : ['a', 'b']);
    expect(outcome.error?.code).toBe(failOnGap ? 'events_missed' : undefined);
  },
);
