import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nextTurn } from '@weir/base';
import { type Log, openLog } from '@weir/log';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ChannelError, type ChannelSpec, RateLimiter, Router } from './index.js';
import { ANN, bob, frames, take, text, textOf } from './testing/people.js';

const PROCESS = { processId: 'p', submitterId: 'ann' };
const ID = 'p_c';
const EVE = { credentialId: 'eve' };

/** A channel that Ann submitted and Bob executes. */
async function routed(router: Router, spec: Partial<ChannelSpec> = {}): Promise<Router> {
  await router.create({ ...PROCESS, executorId: 'bob', name: 'c', ...spec });
  return router;
}

async function textsOf(router: Router, id = ID, after = 0): Promise<string[]> {
  return (await router.readAfter(id, ANN, after)).entries.map(textOf);
}

describe('channels', () => {
  test('are created once, found by id and by process and name, and listed', async () => {
    const router = await Router.withoutRateLimit();
    const channel = await router.create({ ...PROCESS, name: 'c' });
    expect(channel).toMatchObject({ id: ID, processId: 'p', executorId: '', attempt: 0 });
    await expect(router.create({ ...PROCESS, name: 'c' })).rejects.toMatchObject({ code: 'channel_exists' });
    expect(await router.createIfNotExists({ ...PROCESS, name: 'c', submitterId: 'eve' })).toEqual(channel);
    expect(await router.get(ID)).toEqual(channel);
    expect(await router.getByProcessAndName('p', 'c')).toEqual(channel);
    await router.createIfNotExists({ ...PROCESS, name: 'under_score.1-x' });
    expect((await router.getChannelsByProcess('p')).map(({ id }) => id)).toEqual([ID, 'p_under_score.1-x']);
    expect(await router.getChannelsByProcess('q')).toEqual([]);
    expect(await router.stats()).toEqual({ channels: 2, processes: 1 });
    for (const id of ['q_c', 'p_d', 'nothing', '_c', '']) {
      await expect(router.get(id), id).rejects.toMatchObject({ code: 'channel_not_found', status: 404 });
    }
  });

  test('of a process are created all or none: an invalid or duplicate name, or too many, fail as a whole', async () => {
    const router = await Router.withoutRateLimit();
    const many = Array.from({ length: 101 }, (_, i) => ({ name: `c${i}` }));
    const bad = [
      [[{ name: 'a' }, { name: 'b c' }], 'invalid_channel', 400],
      [[{ name: 'a' }, { name: 'x'.repeat(65) }], 'invalid_channel', 400],
      [[{ name: 'a' }, { name: '..' }], 'invalid_channel', 400],
      [[{ name: 'a' }, { name: 'a' }], 'channel_exists', 409],
      [many, 'too_many_channels', 422],
    ] as const;
    for (const [specs, code, status] of bad) {
      await expect(router.createForProcess(PROCESS, specs)).rejects.toMatchObject({ code, status });
    }
    expect(await router.getChannelsByProcess('p')).toEqual([]);
    await expect(router.createForProcess({ ...PROCESS, processId: 'a_b' }, [])).rejects.toMatchObject({
      code: 'invalid_channel',
    });
    router.setMaxChannelsPerProcess(1);
    await router.create({ ...PROCESS, name: 'a' });
    await expect(router.create({ ...PROCESS, name: 'b' })).rejects.toMatchObject({ facts: { limit: 1 } });
  });
});

describe('append and readAfter', () => {
  test('reject an index or a limit that is not a whole number', async () => {
    const router = await routed(await Router.withoutRateLimit());
    for (const wrong of [Number.NaN, 1.5, Number.POSITIVE_INFINITY]) {
      const refusal = {
        code: 'invalid_cursor',
        status: 400,
        message: expect.stringContaining(String(wrong)),
      };
      await expect(router.readAfter(ID, ANN, wrong)).rejects.toMatchObject(refusal);
      await expect(router.readAfter(ID, ANN, 0, wrong)).rejects.toMatchObject(refusal);
      await expect(router.subscribe(ID, ANN, { after: wrong })).rejects.toMatchObject(refusal);
    }
  });

  test('give one order to both sides, and pages after an index', async () => {
    const router = await routed(await Router.withoutRateLimit());
    await router.append(ID, ANN, text(1, 'hello'));
    const reply = { ...text(7, 'hi'), inReplyTo: 1, contentType: 'text/plain' };
    await router.append(ID, bob(), reply);
    await router.appendWithType(ID, bob(), { ...text(9, ''), error: 'broken' }, 'error');
    const page = await router.readAfter(ID, bob(), 0);
    expect(page).toMatchObject({
      next: 3,
      entries: [
        { index: 1, sequence: 1, senderId: 'submitter:ann', attempt: 1, type: 'data' },
        { index: 2, sequence: 7, senderId: 'executor#1:bob', inReplyTo: 1, contentType: 'text/plain' },
        { index: 3, sequence: 9, type: 'error', error: 'broken' },
      ],
    });
    expect(page).not.toHaveProperty('closed');
    expect(page.entries[0]).not.toHaveProperty('inReplyTo');
    expect((await router.readAfter(ID, ANN, 1, 1)).entries.map(({ index }) => index)).toEqual([2]);
    expect(await router.readAfter(ID, ANN, 3)).toEqual({ entries: [], next: 3 });
    expect(await router.readAfter(ID, ANN, 99)).toEqual({ entries: [], next: 99 });
    expect(await router.getLogSize(ID)).toBe(3);
    expect([await router.getSequence(ID, 'submitter'), await router.getSequence(ID, 'executor')]).toEqual([
      1, 9,
    ]);
  });

  test('without a limit a page has at most 4 MiB, and continues at next', async () => {
    const router = await routed(await Router.withoutRateLimit());
    const payload = Buffer.alloc(1_000_000, 7);
    for (let sequence = 1; sequence <= 6; sequence++) await router.append(ID, ANN, { sequence, payload });
    const page = await router.readAfter(ID, ANN, 0);
    expect(page).toMatchObject({ next: 4, entries: { length: 4 } });
    expect((await router.readAfter(ID, ANN, page.next)).entries).toHaveLength(2);
    expect(payload.equals(page.entries[3]?.payload ?? Buffer.of())).toBe(true);
  });

  test('a long poll answers at the next message, and at once at the end', async () => {
    const router = await routed(await Router.withoutRateLimit());
    const poll = router.readAfter(ID, ANN, 0, 0, { waitMs: 30_000 });
    await router.append(ID, bob(), text(1));
    expect((await poll).entries.map(textOf)).toEqual(['m1']);
    expect(await router.readAfter(ID, ANN, 1, 0, { waitMs: 5 })).toEqual({ entries: [], next: 1 });
    const abort = new AbortController();
    const aborted = router.readAfter(ID, ANN, 1, 0, { waitMs: 30_000, signal: abort.signal });
    abort.abort();
    expect((await aborted).entries).toEqual([]);
    const last = router.readAfter(ID, ANN, 1, 0, { waitMs: 30_000 });
    await router.closeProcess('p', 'success');
    const closed = { reason: 'success', lastIndex: 1 };
    expect(await last).toEqual({ entries: [], next: 1, closed });
    expect(await router.readAfter(ID, ANN, 1, 0, { waitMs: 30_000 })).toMatchObject({ closed });
  });

  test('a resent message gets its first answer; its sequence with other content, or an older one, is rejected', async () => {
    const router = await routed(await Router.withoutRateLimit());
    const first = await Promise.all([10, 20, 30].map((n) => router.append(ID, ANN, text(n))));
    for (let n = 1; n <= 40; n++) await router.append(ID, bob(), text(n));
    expect(await Promise.all([30, 10, 20].map((n) => router.append(ID, ANN, text(n))))).toEqual(
      [2, 0, 1].map((i) => first[i]),
    );
    expect(await router.append(ID, bob(), text(10))).toMatchObject({ index: 13 });
    const twins = await Promise.all([router.append(ID, ANN, text(40)), router.append(ID, ANN, text(40))]);
    expect(twins[0]).toEqual(twins[1]);
    const others = [
      text(20, 'x'),
      { ...text(20), type: 'end' as const },
      { ...text(20), inReplyTo: 1 },
      { ...text(20), contentType: 'text/plain' },
    ];
    for (const other of others) {
      await expect(router.append(ID, ANN, other)).rejects.toMatchObject({
        code: 'sequence_conflict',
        status: 409,
      });
    }
    for (const n of [0, 5, 15, 39]) {
      await expect(router.append(ID, ANN, text(n))).rejects.toMatchObject({ code: 'sequence_out_of_order' });
    }
    expect(await router.getLogSize(ID)).toBe(44);
  });

  test('a batch is stored whole or not at all, and may overlap stored messages', async () => {
    const router = await routed(await Router.withoutRateLimit(), { limits: { entries: 5 } });
    const places = await router.appendBatch(ID, ANN, [text(1), text(2), text(3)]);
    expect(places.map(({ index }) => index)).toEqual([1, 2, 3]);
    expect(
      (await router.appendBatch(ID, ANN, [text(2), text(3), text(4)])).map(({ index }) => index),
    ).toEqual([2, 3, 4]);
    const refused = [
      [[text(5), { ...text(6), inReplyTo: 9 }], 'invalid_in_reply_to'],
      [[text(5), text(5)], 'sequence_out_of_order'],
      [[text(4, 'x'), text(5)], 'sequence_conflict'],
      [[{ ...text(5), type: 'end' }, text(6)], 'sender_ended'],
      [[text(5), text(6)], 'channel_full'],
      [[1, 2, 3, 4, 5, 6].map((n) => text(n + 10)), 'message_too_large'],
      [[], 'invalid_message'],
    ] as const;
    for (const [messages, code] of refused) {
      await expect(router.appendBatch(ID, ANN, messages), code).rejects.toMatchObject({ code });
    }
    expect(await textsOf(router)).toEqual(['m1', 'm2', 'm3', 'm4']);
    expect(await router.append(ID, ANN, text(5))).toMatchObject({ index: 5 });
  });

  test('an invalid message is rejected', async () => {
    const router = await routed(await Router.withoutRateLimit(), { limits: { payloadBytes: 10 } });
    const bad = [
      text(-1),
      text(1.5),
      { ...text(1), error: 'e' },
      { ...text(1), contentType: 'x'.repeat(256) },
    ];
    for (const message of bad) {
      await expect(router.append(ID, ANN, message)).rejects.toMatchObject({
        code: 'invalid_message',
        status: 400,
      });
    }
    const large = { sequence: 1, payload: Buffer.alloc(11) };
    await expect(router.append(ID, ANN, large)).rejects.toMatchObject({
      code: 'message_too_large',
      facts: { limit: 10 },
    });
    for (const inReplyTo of [0, 1, -1, 0.5]) {
      const reply = { ...text(1), inReplyTo };
      await expect(router.append(ID, ANN, reply)).rejects.toMatchObject({
        code: 'invalid_in_reply_to',
        status: 400,
      });
    }
    expect(await router.append(ID, ANN, text(0))).toMatchObject({ index: 1 });
  });
});

describe('access', () => {
  test('submitter and executor read and write, observers read, all others are rejected', async () => {
    const router = await Router.withoutRateLimit();
    await router.create({ ...PROCESS, name: 'c' });
    const nobody = { credentialId: '' };
    const forbidden = { code: 'forbidden', status: 403 };
    for (const caller of [
      EVE,
      nobody,
      { credentialId: '', assignment: { attempt: 0 } },
      { observerId: '' },
    ]) {
      await expect(router.readAfter(ID, caller, 0)).rejects.toMatchObject(forbidden);
      await expect(router.append(ID, caller, text(1))).rejects.toMatchObject(forbidden);
      await expect(router.subscribe(ID, caller)).rejects.toMatchObject(forbidden);
    }
    await expect(router.append(ID, bob(), text(1))).rejects.toMatchObject({ code: 'stale_attempt' });
    await router.setExecutorId(ID, 'bob');
    await router.append(ID, bob(), text(1));
    await expect(router.append(ID, { credentialId: 'bob' }, text(2))).rejects.toMatchObject(forbidden);
    const eve = { credentialId: 'eve', assignment: { attempt: 1 } };
    await expect(router.append(ID, eve, text(2))).rejects.toMatchObject(forbidden);
    expect((await router.readAfter(ID, { observerId: 'eve' }, 0)).entries).toHaveLength(1);
    await expect(router.append(ID, { observerId: 'eve' }, text(2))).rejects.toMatchObject(forbidden);
  });

  test('one credential can be both sides, each with its own sequences', async () => {
    const router = await Router.withoutRateLimit();
    await router.create({ ...PROCESS, executorId: 'ann', name: 'c' });
    await router.append(ID, ANN, text(1, 'as submitter'));
    await router.append(ID, { credentialId: 'ann', assignment: { attempt: 1 } }, text(1, 'as executor'));
    expect(await textsOf(router)).toEqual(['as submitter', 'as executor']);
  });

  test('a direction prevents one side from writing', async () => {
    const router = await Router.withoutRateLimit();
    const channels = [
      { name: 'c', direction: 'to_executor' },
      { name: 'd', direction: 'to_submitter' },
    ] as const;
    await router.createForProcess({ ...PROCESS, executorId: 'bob' }, channels);
    await router.append(ID, ANN, text(1));
    await router.append('p_d', bob(), text(1));
    await expect(router.append(ID, bob(), text(1))).rejects.toMatchObject({ code: 'forbidden' });
    await expect(router.append('p_d', ANN, text(1))).rejects.toMatchObject({ code: 'forbidden' });
    await router.append(ID, ANN, { ...text(2), type: 'end' });
    expect(await router.readAfter(ID, bob(), 1)).toMatchObject({ closed: { reason: 'ended', lastIndex: 2 } });
  });

  test('reassignment revokes the old executor at once, also in a pending wait', async () => {
    const router = await routed(await Router.withoutRateLimit());
    await router.create({ ...PROCESS, executorId: 'bob', name: 'd' });
    await router.append(ID, bob(), { ...text(5), type: 'end' });
    const waiting = expect(router.readAfter(ID, bob(), 1, 0, { waitMs: 30_000 })).rejects.toMatchObject({
      code: 'stale_attempt',
    });
    const following = expect(frames(await router.subscribe(ID, bob()))).rejects.toMatchObject({
      code: 'stale_attempt',
      status: 409,
    });
    await router.setExecutorIdForProcess('p', 'bob', 2);
    await router.setExecutorIdForProcess('p', 'bob', 2);
    await waiting;
    await following;
    await expect(router.append(ID, bob(1), text(5))).rejects.toMatchObject({ code: 'stale_attempt' });
    await expect(router.setExecutorId(ID, 'eve', 2)).rejects.toMatchObject({ code: 'stale_attempt' });
    await expect(router.setExecutorId(ID, 'bob', 1)).rejects.toMatchObject({ code: 'stale_attempt' });
    expect(await router.getSequence(ID, 'executor')).toBe(-1);
    await router.append(ID, bob(2), text(1, 'anew'));
    await router.append('p_d', bob(2), text(1));
    await router.append(ID, ANN, text(1, 'to the second'));
    expect((await router.readAfter(ID, bob(2), 1)).entries.map(({ attempt }) => attempt)).toEqual([2, 2]);
    await router.setExecutorIdForProcess('p', '');
    await expect(router.append(ID, bob(2), text(2))).rejects.toMatchObject({
      code: 'stale_attempt',
      message: expect.stringContaining('assigned to no executor'),
    });
  });

  test('a cursor before the first message reads from the first', async () => {
    const router = await routed(await Router.withoutRateLimit());
    await router.append(ID, ANN, text(1));
    expect((await router.readAfter(ID, ANN, -5)).entries.map(({ index }) => index)).toEqual([1]);
    expect((await router.readAfter(ID, ANN, -5)).next).toBe(1);
    const all = frames(await router.subscribe(ID, ANN, { after: -1 }));
    await router.closeProcess('p', 'success');
    expect(await all).toHaveLength(2);
  });
});

describe('subscribe', () => {
  test('delivers history, then live messages, then the reason of the end', async () => {
    const router = await routed(await Router.withoutRateLimit());
    for (let n = 1; n <= 3; n++) await router.append(ID, ANN, text(n));
    const subscriber = await router.subscribe(ID, bob(), { after: 1 });
    expect(await router.subscriberCount(ID)).toBe(1);
    const all = frames(subscriber);
    await router.append(ID, ANN, text(4));
    await router.append(ID, ANN, { ...text(5), type: 'end' });
    await expect(router.append(ID, ANN, text(6))).rejects.toMatchObject({ code: 'sender_ended' });
    expect(await router.append(ID, ANN, { ...text(5), type: 'end' })).toMatchObject({ index: 5 });
    await router.append(ID, bob(), { ...text(1), type: 'end' });
    const read = await all;
    expect(
      read.flatMap((frame) => (frame.type === 'entries' ? frame.entries.map(({ index }) => index) : [])),
    ).toEqual([2, 3, 4, 5, 6]);
    expect(read.at(-1)).toEqual({ type: 'closed', reason: 'ended', lastIndex: 6 });
    expect(await router.subscriberCount(ID)).toBe(0);
    expect(await frames(await router.subscribe(ID, ANN, { after: 6 }))).toEqual([read.at(-1)]);
  });

  test('from beyond the end delivers later messages', async () => {
    const router = await routed(await Router.withoutRateLimit());
    await router.append(ID, ANN, text(1));
    const two = take(await router.subscribe(ID, ANN, { after: 3 }), 2);
    for (let n = 2; n <= 5; n++) await router.append(ID, ANN, text(n));
    expect((await two).map(({ index }) => index)).toEqual([4, 5]);
  });

  test('continues however many other processes are used meanwhile', async () => {
    const router = await routed(await Router.withoutRateLimit());
    const one = take(await router.subscribe(ID, ANN), 1);
    const others = Array.from({ length: 1100 }, (_, i) => ({
      ...PROCESS,
      processId: `other-${i}`,
      name: 'c',
    }));
    await Promise.all(others.map((channel) => router.create(channel)));
    await router.append(ID, ANN, text(1));
    expect((await one).map(textOf)).toEqual(['m1']);
    expect(await router.stats()).toEqual({ channels: 1101, processes: 1101 });
    expect(await textsOf(router, 'other-0_c')).toEqual([]);
  });

  test('ends by unsubscribe, by a signal, and by leaving the loop', async () => {
    const router = await routed(await Router.withoutRateLimit());
    const abort = new AbortController();
    const [one, two, three] = await Promise.all([
      router.subscribe(ID, ANN),
      router.subscribe(ID, ANN, { signal: abort.signal }),
      router.subscribe(ID, ANN),
    ]);
    const waiting = [frames(one), frames(two)];
    router.unsubscribe(one);
    router.unsubscribe(one);
    abort.abort();
    expect(await Promise.all(waiting)).toEqual([[], []]);
    await router.append(ID, ANN, text(1));
    expect(await take(three, 1)).toHaveLength(1);
    expect(await router.subscriberCount(ID)).toBe(0);
  });

  test('disconnects a slow subscriber with its cursor; the writer and other subscribers never wait', async () => {
    const router = await routed(await Router.withoutRateLimit());
    router.setSubscriberBufferSize(10);
    const slow = (await router.subscribe(ID, ANN))[Symbol.asyncIterator]();
    const fast = take(await router.subscribe(ID, ANN), 100);
    await router.append(ID, bob(), text(1));
    await slow.next();
    for (let n = 2; n <= 100; n++) {
      await router.append(ID, bob(), text(n));
      // Messages arrive over connections, in separate turns of the event loop.
      await nextTurn();
    }
    expect(await fast).toHaveLength(100);
    await expect(slow.next()).rejects.toMatchObject({
      code: 'subscriber_too_slow',
      facts: { cursor: 1 },
      retryable: true,
    });
    expect(await router.subscriberCount(ID)).toBe(0);
    const rest = await take(await router.subscribe(ID, ANN, { after: 1 }), 99);
    expect(rest.map(({ index }) => index)).toEqual(Array.from({ length: 99 }, (_, i) => i + 2));
  });

  test('disconnects a slow subscriber by bytes too, but not one that reads history', async () => {
    const log = await openLog({ engine: 'memory' });
    const router = await routed(new Router({ log, rateLimit: false, limits: { subscriberBytes: 1000 } }));
    const live = await router.subscribe(ID, ANN);
    await router.append(ID, bob(), text(1));
    const behind = await router.subscribe(ID, ANN);
    for (let n = 2; n <= 20; n++) await router.append(ID, bob(), text(n, 'x'.repeat(100)));
    await expect(frames(live)).rejects.toMatchObject({ code: 'subscriber_too_slow', facts: { cursor: 0 } });
    expect(await take(behind, 20)).toHaveLength(20);
  });
});

describe('limits', () => {
  test('a full channel rejects messages, answers duplicates, and charges no token', async () => {
    const router = await routed(await Router.forTesting());
    router.setMaxLogEntries(2);
    await router.append(ID, ANN, text(1));
    await router.append(ID, ANN, text(2));
    for (let i = 0; i < 600; i++) {
      await expect(router.append(ID, ANN, text(3))).rejects.toMatchObject({
        code: 'channel_full',
        status: 409,
        facts: { limit: 2 },
      });
    }
    expect(await router.append(ID, ANN, text(1))).toMatchObject({ index: 1 });
    router.setMaxLogEntries(3);
    await router.append(ID, ANN, text(3));
    const bytes = await routed(await Router.withoutRateLimit(), { limits: { bytes: 300 } });
    const large = { sequence: 1, payload: Buffer.alloc(200) };
    await bytes.append(ID, ANN, large);
    const full = { code: 'channel_full', facts: { limit: 300 } };
    await expect(bytes.append(ID, ANN, { ...large, sequence: 2 })).rejects.toMatchObject(full);
    await bytes.create({ ...PROCESS, name: 'd', limits: { bytes: 300 } });
    const both = [bytes.append('p_d', ANN, large), bytes.append('p_d', ANN, { ...large, sequence: 2 })];
    expect(await Promise.allSettled(both)).toMatchObject([{ status: 'fulfilled' }, { reason: full }]);
  });

  test('with retention trim the oldest are evicted, by entries and by bytes, and reading them reports it', async () => {
    const router = await routed(await Router.withoutRateLimit(), {
      retention: 'trim',
      limits: { entries: 5 },
    });
    for (let n = 1; n <= 12; n++) await router.append(ID, ANN, text(n));
    await Promise.all([13, 14, 15, 16, 17, 18, 19, 20].map((n) => router.append(ID, ANN, text(n))));
    expect(await router.getLogSize(ID)).toBe(5);
    await expect(router.readAfter(ID, ANN, 0)).rejects.toMatchObject({
      code: 'cursor_expired',
      status: 410,
      facts: { oldest: 16 },
    });
    await expect(frames(await router.subscribe(ID, ANN))).rejects.toMatchObject({ facts: { oldest: 16 } });
    expect(await textsOf(router, ID, 15)).toEqual(['m16', 'm17', 'm18', 'm19', 'm20']);
    expect(await router.append(ID, ANN, text(16))).toMatchObject({ index: 16 });
    await expect(router.append(ID, ANN, text(15))).rejects.toMatchObject({ code: 'sequence_out_of_order' });
    await router.append(ID, bob(), { ...text(1), inReplyTo: 3 });

    await router.create({ ...PROCESS, name: 'd', retention: 'trim', limits: { bytes: 1000 } });
    for (let n = 1; n <= 20; n++)
      await router.append('p_d', ANN, { sequence: n, payload: Buffer.alloc(155) });
    expect(await router.getLogSize('p_d')).toBe(5);
  });

  test('a sender has one bucket for all channels of a process', async () => {
    const router = await routed(await Router.forTesting());
    await router.create({ ...PROCESS, executorId: 'bob', name: 'd' });
    for (let n = 1; n <= 250; n++) await router.append(ID, ANN, text(n));
    await router.appendBatch(
      'p_d',
      ANN,
      Array.from({ length: 250 }, (_, i) => text(i)),
    );
    const limited = { code: 'rate_limited', status: 429, retryAfterMs: 3_600_000, retryable: true };
    await expect(router.append('p_d', ANN, text(999))).rejects.toMatchObject(limited);
    await expect(router.append('p_d', ANN, text(1))).rejects.toMatchObject(limited);
    await router.append(ID, bob(), text(1));
    router.setRateLimitEnabled(false);
    await router.append(ID, ANN, text(999));
  });

  test('the queue of one channel is bounded', async () => {
    const router = await routed(await Router.withoutRateLimit());
    const payload = Buffer.alloc(10 * 1024 * 1024);
    const appends = Array.from({ length: 8 }, (_, sequence) => router.append(ID, ANN, { sequence, payload }));
    const outcomes = await Promise.allSettled(appends);
    const reason = { code: 'at_capacity', status: 429, retryAfterMs: 1000 };
    expect(outcomes[5]).toMatchObject({ status: 'fulfilled', value: { index: 6 } });
    expect(outcomes.slice(6)).toMatchObject([{ reason }, { reason }]);
    expect(await router.append(ID, ANN, { sequence: 7, payload })).toMatchObject({ index: 7 });
  });

  test('a bucket is refilled steadily up to its size', () => {
    let now = 0;
    const bucket = new RateLimiter(2, 10, () => now);
    expect([bucket.allow(), bucket.allow(), bucket.allow()]).toEqual([true, true, false]);
    expect(bucket.retryAfterMs()).toBe(100);
    now = 150;
    expect(bucket.tokens()).toBeCloseTo(1.5);
    expect([bucket.allow(), bucket.allow()]).toEqual([true, false]);
    now = 10_000;
    expect(bucket.tokens()).toBe(2);
    expect([bucket.allow(50), bucket.tokens()]).toEqual([true, 0]);
  });
});

describe.each(['memory', 'lmdb'] as const)('over the %s log', (engine) => {
  let path: string;
  let log: Log;
  let router: Router;

  const open = () => openLog(engine === 'memory' ? { engine } : { engine, path });
  const restart = async () => {
    await router.close();
    if (engine === 'lmdb') {
      await log.close();
      log = await open();
    }
    router = new Router({ log, rateLimit: false });
  };

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'weir-channel-'));
    log = await open();
    router = new Router({ log, rateLimit: false });
  });
  afterEach(async () => {
    await log.close();
    await rm(path, { recursive: true });
  });

  test('a restart keeps messages, answers, ended sides, assignments and limits', async () => {
    await routed(router, { direction: 'both', retention: 'reject', limits: { entries: 4 } });
    await router.setExecutorId(ID, 'bob', 3);
    const first = await router.append(ID, ANN, text(1));
    const last = await router.append(ID, bob(3), { ...text(8), type: 'end' });
    const before = await router.get(ID);
    await restart();
    expect(await router.get(ID)).toEqual(before);
    expect(await router.append(ID, ANN, text(1))).toEqual(first);
    expect(await router.append(ID, bob(3), { ...text(8), type: 'end' })).toEqual(last);
    await expect(router.append(ID, ANN, text(1, 'x'))).rejects.toMatchObject({ code: 'sequence_conflict' });
    await expect(router.append(ID, bob(3), text(9))).rejects.toMatchObject({ code: 'sender_ended' });
    await expect(router.append(ID, bob(2), text(9))).rejects.toMatchObject({ code: 'stale_attempt' });
    await router.appendBatch(ID, ANN, [text(2), text(3)]);
    await expect(router.append(ID, ANN, text(4))).rejects.toMatchObject({ code: 'channel_full' });
    await router.closeProcess('p', 'cancelled');
    await restart();
    expect(await router.get(ID)).toMatchObject({ closed: { reason: 'cancelled' } });
    await expect(router.append(ID, ANN, text(5))).rejects.toMatchObject({ code: 'channel_closed' });
    expect((await frames(await router.subscribe(ID, ANN))).at(-1)).toMatchObject({
      reason: 'cancelled',
      lastIndex: 4,
    });
  });

  test('a process keeps its first limits over a restart, whatever the router or later channels set', async () => {
    const rateLimit = { perSecond: 0, burst: 3 };
    const processLimits = { rateLimit, channelsPerProcess: 2, entries: 2, payloadBytes: 5 };
    const info = { ...PROCESS, executorId: 'bob' };
    await router.createForProcess({ ...info, processLimits }, [{ name: 'c' }]);
    await router.append(ID, ANN, text(1));
    await restart();
    await router.append(ID, ANN, text(2));
    await expect(router.append(ID, ANN, text(3))).rejects.toMatchObject({
      code: 'channel_full',
      facts: { limit: 2 },
    });
    const long = text(3, '123456');
    await expect(router.append(ID, ANN, long)).rejects.toMatchObject({
      code: 'message_too_large',
      facts: { limit: 5 },
    });

    const later = { ...info, processLimits: { rateLimit: false as const, channelsPerProcess: 9 } };
    await router.create({ ...later, name: 'd', limits: { entries: 9 } });
    await expect(router.create({ ...later, name: 'e' })).rejects.toMatchObject({
      code: 'too_many_channels',
      facts: { limit: 2 },
    });
    await router.setExecutorIdForProcess('p', 'bob', 2);
    await restart();
    await router.appendBatch('p_d', bob(2), [text(1), text(2), text(3)]);
    const limited = { code: 'rate_limited', retryAfterMs: 3_600_000 };
    await expect(router.append('p_d', bob(2), text(4))).rejects.toMatchObject(limited);
    await router.closeProcess('p', 'success');
    await restart();
    await expect(router.append(ID, ANN, long)).rejects.toMatchObject({ facts: { limit: 5 } });

    router = new Router({ log, rateLimit });
    const free = { ...info, processId: 'q', processLimits: { rateLimit: false as const } };
    await router.createForProcess(free, [{ name: 'c' }]);
    for (let n = 1; n <= 10; n++) await router.append('q_c', ANN, text(n));
  });

  test('a cleaned up process stays gone after a restart, and is never an empty log', async () => {
    await routed(router);
    await router.append(ID, ANN, text(1));
    const following = expect(frames(await router.subscribe(ID, ANN))).rejects.toMatchObject({
      code: 'channel_gone',
    });
    await router.cleanupProcess('p');
    await router.cleanupProcess('p');
    await router.cleanupProcess('unknown');
    await following;
    for (let round = 0; round < 2; round++) {
      const gone = { code: 'channel_gone', status: 410 };
      await expect(router.readAfter(ID, ANN, 0)).rejects.toMatchObject(gone);
      await expect(router.append(ID, ANN, text(2))).rejects.toMatchObject(gone);
      await expect(router.create({ ...PROCESS, name: 'c' })).rejects.toMatchObject(gone);
      await expect(router.getChannelsByProcess('p')).rejects.toMatchObject(gone);
      await restart();
    }
    expect(await router.stats()).toEqual({ channels: 0, processes: 0 });
    expect(await log.streams()).toEqual([]);
  });

  /**
   * Appends as the first executor until it is refused; returns the number of stored messages and the code of the
   * refusal.
   */
  async function untilRefused(id: string): Promise<{ readonly stored: number; readonly code: unknown }> {
    for (let n = 0; ; n++) {
      try {
        await router.append(id, bob(1), text(n));
      } catch (error) {
        return { stored: n, code: error instanceof ChannelError && error.code };
      }
    }
  }

  test('after an assignment, a close or a cleanup has resolved, no earlier append is stored', async () => {
    for (let round = 0; round < 5; round++) {
      const [assigned, closed, cleaned] = [`a${round}`, `b${round}`, `c${round}`] as const;
      const processes = [assigned, closed, cleaned];
      for (const processId of processes) {
        await router.create({ processId, submitterId: 'ann', executorId: 'bob', name: 'c' });
      }
      const busy = processes.map((processId) => untilRefused(`${processId}_c`));
      const following = frames(await router.subscribe(`${closed}_c`, ANN));
      await router.readAfter(`${assigned}_c`, ANN, 0, 1, { waitMs: 30_000 });
      const assigning = router.setExecutorIdForProcess(assigned, 'bob', 2);
      const closing = router.closeProcess(closed, 'done');
      const cleaning = router.cleanupProcess(cleaned);
      await assigning;
      const size = await router.getLogSize(`${assigned}_c`);
      const [first, second, third] = await Promise.all(busy);
      await Promise.all([closing, cleaning]);
      expect(first).toEqual({ stored: size, code: 'stale_attempt' });
      expect(await router.getLogSize(`${assigned}_c`)).toBe(size);
      expect(second?.code).toBe('channel_closed');
      expect((await following).at(-1)).toMatchObject({ type: 'closed', lastIndex: second?.stored });
      expect(third?.code).toBe('channel_gone');
      expect(await log.streams(`channel:${cleaned}`)).toEqual([]);
    }
  });

  test('a close and a cleanup wait for the commit that is being composed', async () => {
    for (const [round, isClose] of [true, false, true, false].entries()) {
      const processId = `p${round}`;
      await router.create({ ...PROCESS, processId, name: 'c' });
      const id = `${processId}_c`;
      const following = frames(await router.subscribe(id, ANN)).catch(() => []);
      const appends = Promise.allSettled(
        Array.from({ length: 200 }, (_, n) => router.append(id, ANN, text(n))),
      );
      await router.getLogSize(id);
      await (isClose ? router.closeProcess(processId, 'done') : router.cleanupProcess(processId));
      const outcomes = await appends;
      if (isClose) {
        const lastIndex = outcomes.filter(({ status }) => status === 'fulfilled').length;
        expect((await following).at(-1)).toEqual({ type: 'closed', reason: 'done', lastIndex });
        expect(await router.getLogSize(id)).toBe(lastIndex);
      }
      expect(await log.streams('channel:')).toHaveLength(Math.ceil((round + 1) / 2));
    }
  });

  test('concurrent appends get dense indexes, the same for all readers', async () => {
    await routed(router);
    const places = await Promise.all(
      Array.from({ length: 400 }, (_, i) => router.append(ID, i % 2 ? ANN : bob(), text(i))),
    );
    expect(places.map(({ index }) => index).sort((a, b) => a - b)).toEqual(places.map((_, i) => i + 1));
    const entries = await take(await router.subscribe(ID, ANN), 400);
    expect(entries.map(({ index }) => index)).toEqual(places.map((_, i) => i + 1));
    for (const [i, { index }] of places.entries()) expect(entries[index - 1]).toMatchObject({ sequence: i });
  });

  test('messages refused by a full log can be sent again once there is room', async () => {
    const small = await openLog(
      engine === 'memory'
        ? { engine, maxBytes: 20_000 }
        : { engine, path: join(path, 'small'), maxBytes: 20_000 },
    );
    const full = await routed(new Router({ log: small, rateLimit: false }));
    await full.create({ processId: 'q', submitterId: 'ann', name: 'c' });
    await full.append('q_c', ANN, { sequence: 1, payload: Buffer.alloc(12_000) });
    await full.append(ID, ANN, text(1));
    const large = { sequence: 2, payload: Buffer.alloc(8_000) };
    await expect(full.append(ID, ANN, large)).rejects.toMatchObject({ code: 'log_full' });
    expect(await full.append(ID, bob(), text(1))).toMatchObject({ index: 2 });
    await full.cleanupProcess('q');
    expect(await full.append(ID, ANN, large)).toMatchObject({ index: 3 });
    expect(await full.append(ID, ANN, large)).toMatchObject({ index: 3 });
    await small.close();
  });

  test('a new log reports that the previous one was lost', async () => {
    await routed(router);
    const { logId } = router;
    await router.append(ID, ANN, text(1));
    expect((await router.readAfter(ID, ANN, 0, 0, { logId })).entries).toHaveLength(1);
    const lost = { code: 'log_lost', status: 410 };
    await expect(router.readAfter(ID, ANN, 0, 0, { logId: 'x' })).rejects.toMatchObject(lost);
    await expect(router.subscribe(ID, ANN, { logId: 'x' })).rejects.toMatchObject(lost);
  });

  test('closing the router gives subscribers their cursor, and answers long polls', async () => {
    await routed(router);
    await router.append(ID, ANN, text(1));
    const iterator = (await router.subscribe(ID, ANN))[Symbol.asyncIterator]();
    await iterator.next();
    const ended = expect(iterator.next()).rejects.toMatchObject({
      code: 'draining',
      status: 503,
      facts: { cursor: 1 },
    });
    const poll = router.readAfter(ID, ANN, 1, 0, { waitMs: 30_000 });
    await router.subscriberCount(ID);
    await router.close();
    expect(await poll).toEqual({ entries: [], next: 1 });
    await ended;
    await expect(router.append(ID, ANN, text(3))).rejects.toMatchObject({ code: 'draining' });
    await restart();
    expect(await textsOf(router)).toEqual(['m1']);
  });
});

test('an interrupted cleanup shows the channel as gone, and resumes', async () => {
  const path = await mkdtemp(join(tmpdir(), 'weir-channel-'));
  let log = await openLog({ engine: 'lmdb', path });
  let router = await routed(new Router({ log, rateLimit: false }));
  await router.append(ID, ANN, text(1));
  const [record = ''] = await log.streams('process:');
  const { last } = await log.stats(record);
  const cleaning = router.cleanupProcess('p').catch(() => undefined);
  await log.wait(record, { after: last, signal: AbortSignal.timeout(10_000) });
  await log.close();
  await cleaning;

  log = await openLog({ engine: 'lmdb', path });
  expect(await log.streams()).toHaveLength(2);
  router = new Router({ log });
  await expect(router.readAfter(ID, ANN, 0)).rejects.toMatchObject({ code: 'channel_gone' });
  await router.cleanupProcess('p');
  expect(await log.streams()).toEqual([]);
  await expect(router.readAfter(ID, ANN, 0)).rejects.toMatchObject({ code: 'channel_gone' });
  await log.close();
  await rm(path, { recursive: true });
});
