import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeSink } from '../conformance/index.js';
import { give, idsOf, record, recordsOf } from '../conformance/records.js';
import { documentOf } from '../records/document.js';
import type { HttpSinkOptions } from './http-settings.js';
import { HttpSink } from './http-sink.js';
import { type Answer, EventReceiver } from './testing/event-receiver.js';

describeSink('http', async () => {
  const receiver = await new EventReceiver().listen();
  return {
    name: 'http',
    exact: false,
    ordered: true,
    open: async () => new HttpSink({ url: receiver.origin }),
    read: async () => receiver.events.map(({ id }) => id),
    fail: async () => {
      receiver.answer = 'refuse';
    },
    recover: async () => {
      receiver.answer = 'take';
    },
    destroy: () => receiver.close(),
  };
});

describe('the http sink', () => {
  let receiver: EventReceiver;
  beforeEach(async () => {
    receiver = await new EventReceiver().listen();
  });
  afterEach(() => receiver.close());

  /** Passes records and closes, so that no batch waits to fill. */
  async function send(
    events: Parameters<typeof give>[1],
    options: Partial<HttpSinkOptions> = {},
  ): Promise<void> {
    const sink = new HttpSink({ url: receiver.origin, ...options });
    const given = give(sink, events);
    await sink.close(AbortSignal.timeout(20_000));
    await given;
  }

  it('sends CloudEvents that the SDK reads, in batches, to the configured URL', async () => {
    const events = recordsOf(0, 25);
    await send(events, {
      url: `${receiver.origin}/in?a=b`,
      batch: 10,
    });
    expect(receiver.requests.map(({ count }) => count)).toEqual([10, 10, 5]);
    expect(receiver.requests[0]?.url).toBe('/in?a=b');
    expect(receiver.requests[0]?.headers['content-type']).toMatch(/^application\/cloudevents-batch\+json/);
    expect(receiver.requests[0]?.headers.authorization).toBeUndefined();
    expect(receiver.events.map((event) => ({ ...event, data: event.data }))).toEqual(
      events.map((event) => ({
        specversion: '1.0',
        id: event.id,
        source: 'urn:weir:node:node%2F%C3%A4%201',
        type: 'weir.usage.v1',
        subject: event.tenant,
        time: event.time,
        datacontenttype: 'application/json',
        data: JSON.parse(JSON.stringify(documentOf(event))),
      })),
    );
  });

  it('authenticates with a token or the user of the URL, not with both', async () => {
    const url = receiver.origin.replace('//', '//user:p%40ss@');
    await send([record(1)], { token: 'a-token' });
    await send([record(1)], { url });
    expect(receiver.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer a-token',
      `Basic ${Buffer.from('user:p@ss').toString('base64')}`,
    ]);
    expect(() => new HttpSink({ url, token: 'a-token' })).toThrow('only one of them');
  });

  const failures: readonly (readonly [Answer, RegExp, number])[] = [
    ['take and fail', /it answered 500/, 2],
    ['refuse', /it answered 503/, 1],
    ['reset', /ECONNRESET|UND_ERR_SOCKET/, 1],
    ['take and cut off', /UND_ERR_SOCKET|ECONNRESET|connection failed/, 2],
    ['hang', /did not answer in time/, 1],
    ['redirect', /it answered 307/, 1],
  ];
  it.each(failures)(
    'rejects a batch if the receiver does "%s", and sends it again',
    async (answer, reason, times) => {
      receiver.answers.push('take', answer);
      const events = recordsOf(0, 30);
      const sink = new HttpSink({
        url: `${receiver.origin.replace('//', '//user:secret-word@')}/secret-path`,
        batch: 10,
        timeoutMs: 500,
      });
      const outcomes = await Promise.allSettled(events.map(async (event) => sink.writeEvent(event)));
      expect(outcomes.map(({ status }) => status)).toEqual([
        ...Array(10).fill('fulfilled'),
        ...Array(20).fill('rejected'),
      ]);
      for (const outcome of outcomes.slice(10)) {
        const error: unknown = outcome.status === 'rejected' ? outcome.reason : null;
        expect(String(error)).toMatch(reason);
        expect(String(error)).toContain(`${receiver.origin} did not accept 10 usage records`);
        expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('secret');
      }
      await give(sink, events.slice(10));
      await sink.close(AbortSignal.timeout(5_000));
      const ids = receiver.events.map(({ id }) => id);
      expect([...new Set(ids)]).toEqual(idsOf(events));
      expect(ids.filter((id) => id === record(10).id)).toHaveLength(times);
      expect(receiver.requests.map(({ url }) => url)).not.toContain('/elsewhere');
    },
  );
});
