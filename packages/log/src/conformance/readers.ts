// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import { describe, expect, test } from 'vitest';
import type { Delivery } from '../log.js';
import { encodePlace, offsetInEpoch } from '../place.js';
import { bytes, offsets, refused, type Trial, texts } from './trial.js';

/** Cursors. */
export function describeCursors(t: Trial): void {
  describe('cursors', () => {
    test('cursors keep offset and state per reader, also after a restart', async () => {
      const cursor = t.log.cursor('a', 'flusher');
      expect(await cursor.get()).toBeUndefined();
      await cursor.commit(7, bytes('state'));
      await t.log.cursor('a', 'other').commit(3);
      await Promise.all([cursor.commit(8, bytes('x')), cursor.commit(9, bytes('last'))]);
      await t.restart();
      const read = await t.log.cursor('a', 'flusher').get();
      expect(read?.offset).toBe(9);
      expect(Buffer.from(read?.state ?? []).toString()).toBe('last');
      expect((await t.log.cursor('a', 'other').get())?.state.byteLength).toBe(0);
    });

    test('encoded cursors contain the epoch, and another log rejects them', async () => {
      const text = encodePlace({ epoch: t.log.epoch, offset: 123_456_789_012 });
      expect(offsetInEpoch(text, t.log.epoch)).toBe(123_456_789_012);
      await refused('epoch_mismatch', (async () => offsetInEpoch(text, t.log.epoch + 1))());
      for (const bad of ['', 'x', `${text}A`, `${text} `, '!'.repeat(14), text.slice(1)]) {
        await refused('cursor_invalid', (async () => offsetInEpoch(bad, t.log.epoch))());
      }
    });

    test('epoch and id are stable; a log created later has a greater epoch and another id', async () => {
      const { epoch, id } = t.log;
      expect(epoch).toBe(Math.floor(t.clock / 1000));
      t.clock += 5000;
      await t.restart();
      expect(t.log).toMatchObject({ epoch, id });
      const another = await t.makeHarness();
      const later = await another.create({ now: t.now });
      expect(later.epoch).toBeGreaterThan(epoch);
      expect(later.id).not.toBe(id);
      await later.close();
      await another.destroy();
    });
  });
}

/** Members that share a stream. */
export function describeGroups(t: Trial): void {
  describe('groups', () => {
    const ids = (deliveries: readonly Delivery[]) => deliveries.map((d) => d.id);

    test('members share the entries; acknowledged ones are never redelivered', async () => {
      await t.log.append(
        'a',
        Array.from({ length: 10 }, (_, i) => bytes(String(i + 1))),
      );
      const [one, two] = [t.log.group('a', 'g'), t.log.group('a', 'g')];
      const [first, second] = await Promise.all([one.pull({ max: 4 }), two.pull({ max: 4 })]);
      expect([...offsets(first), ...offsets(second)].sort((x, y) => x - y)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(await one.ack(ids(first))).toBe(4);
      expect(await one.ack(ids(first))).toBe(0);
      expect(await two.stats()).toEqual({
        delivered: 8,
        pending: 4,
        held: 0,
        dead: 0,
        needs: second[0]?.offset,
      });
      await t.restart();
      expect(offsets(await t.log.group('a', 'g').pull({ max: 100 }))).toEqual([9, 10]);
      t.clock += 31_000;
      const again = await t.log.group('a', 'g').pull({ max: 100 });
      expect(offsets(again)).toEqual([...offsets(second), 9, 10]);
      expect(again.map((d) => d.attempt)).toEqual([2, 2, 2, 2, 2, 2]);
      expect(texts(again)).toEqual(offsets(again).map(String));
    });

    test('an entry is not redelivered before its deadline, which extend moves', async () => {
      await t.log.append('a', [bytes('x'), bytes('y')]);
      const group = t.log.group('a', 'g', { ackWaitMs: 1000 });
      const [x, y] = await group.pull({ max: 2 });
      if (x === undefined || y === undefined) throw new Error('nothing pulled');
      t.clock += 900;
      expect(await group.pull({ max: 2 })).toEqual([]);
      expect(await group.extend([x.id], { forMs: 5000 })).toBe(1);
      t.clock += 200;
      expect(offsets(await group.pull({ max: 2 }))).toEqual([y.offset]);
      t.clock += 5000;
      expect((await group.pull({ max: 1 })).map((d) => [d.offset, d.attempt])).toEqual([[y.offset, 2 + 1]]);
    });

    test('nack redelivers an entry at once or after a delay, unless it was leased again', async () => {
      await t.log.append('a', [bytes('x')]);
      const group = t.log.group('a', 'g', { ackWaitMs: 1000 });
      const first = await group.pull({ max: 1 });
      expect(await group.nack(ids(first))).toBe(1);
      const second = await group.pull({ max: 1 });
      expect(second.map((d) => d.attempt)).toEqual([2]);
      expect(await group.nack(ids(first))).toBe(0);
      expect(await group.nack(ids(second), { delayMs: 500 })).toBe(1);
      expect(await group.pull({ max: 1 })).toEqual([]);
      t.clock += 501;
      expect((await group.pull({ max: 1 })).map((d) => d.attempt)).toEqual([3]);
      await refused('invalid_request', group.ack(['nonsense']));
    });

    test('release redelivers an entry without counting the attempt', async () => {
      await t.log.append('a', [bytes('x'), bytes('y'), bytes('z')]);
      const group = t.log.group('a', 'g', { maxAttempts: 2 });
      for (let i = 0; i < 5; i += 1) {
        const got = await group.pull({ max: 3 });
        expect(got.map((d) => [d.offset, d.attempt])).toEqual([1, 2, 3].map((offset) => [offset, 1]));
        expect(await group.release(ids(got))).toBe(3);
        expect(await group.release(ids(got))).toBe(0);
      }
      expect(await group.ack(ids(await group.pull({ max: 3 })))).toBe(3);
      expect(await group.stats()).toMatchObject({ pending: 0, dead: 0 });
    });

    test('a pull is bounded in bytes, also for redeliveries, and returns at least one entry', async () => {
      await t.log.append(
        'a',
        Array.from({ length: 700 }, () => Buffer.alloc(10_000)),
      );
      const group = () => t.log.group('a', 'g');
      const fill = async () => {
        const pages = [await group().pull({ max: 1000 }), await group().pull({ max: 1000 })];
        expect(pages.map(({ length }) => length)).toEqual([419, 281]);
        return pages.flat();
      };
      await group().nack(ids(await fill()));
      await t.restart();
      await group().nack(ids(await fill()));
      const small = [
        await group().pull({ max: 9, maxBytes: 25_000 }),
        await group().pull({ max: 9, maxBytes: 1 }),
      ];
      expect(small.map(offsets)).toEqual([[1, 2], [3]]);
    });

    test('an id settles its own delivery once: not that of another group, nor of a later group with its name', async () => {
      await t.log.append('a', [bytes('x')]);
      const group = () => t.log.group('a', 'g');
      const [old] = ids(await group().pull({ max: 1 }));
      const [other] = ids(await t.log.group('a', 'other').pull({ max: 1 }));
      await group().remove();
      await t.restart();
      const [id = ''] = ids(await group().pull({ max: 1 }));
      const later = id.replace(/\d+$/, '2');
      expect(await group().ack([old ?? '', other ?? '', later])).toBe(0);
      expect(await group().extend([id, id])).toBe(1);
      expect(await group().nack([id, id])).toBe(1);
      expect(await group().pull({ max: 1 })).toHaveLength(1);
      expect(await group().ack([id, id])).toBe(1);
    });

    test('a pull waits for an append or a nack, and no longer than waitMs', async () => {
      const group = t.log.group('a', 'g');
      expect(await group.pull({ max: 1, waitMs: 5 })).toEqual([]);
      const waiting = group.pull({ max: 5, waitMs: 20_000 });
      await t.log.append('a', [bytes('x')]);
      const got = await waiting;
      expect(texts(got)).toEqual(['x']);
      const again = group.pull({ max: 5, waitMs: 20_000 });
      await group.nack(ids(got));
      expect(texts(await again)).toEqual(['x']);
      const abort = new AbortController();
      const aborted = group.pull({ max: 1, waitMs: 20_000, signal: abort.signal });
      abort.abort();
      expect(await aborted).toEqual([]);
    });

    test('a group starts at its start position, once; groups of a stream are independent', async () => {
      await t.log.append('a', [bytes('1'), bytes('2'), bytes('3')]);
      expect(await t.log.group('a', 'late', { after: 2 }).create()).toBe(true);
      expect(await t.log.group('a', 'late', { after: 0 }).create()).toBe(false);
      const [late, all] = await Promise.all([
        t.log.group('a', 'late').pull({ max: 9 }),
        t.log.group('a', 'all').pull({ max: 9 }),
      ]);
      expect(offsets(late)).toEqual([3]);
      expect(offsets(all)).toEqual([1, 2, 3]);
      await t.log.group('a', 'all').remove();
      await t.restart();
      expect(await t.log.group('a', 'late').stats()).toMatchObject({ pending: 1, delivered: 3 });
      expect(await t.log.group('a', 'all').stats()).toMatchObject({ pending: 0, delivered: 0 });
    });

    test('a group that trimming overtakes gets the number of missed entries once, then continues', async () => {
      await t.log.append(
        'a',
        Array.from({ length: 10 }, (_, i) => bytes(String(i + 1))),
      );
      const group = t.log.group('a', 'g');
      await group.pull({ max: 2 });
      await t.log.trim('a', 6);
      const error = await refused('cursor_expired', group.pull({ max: 10 }));
      expect(error.facts).toMatchObject({ missed: 5, oldest: 6 });
      await t.restart();
      expect(offsets(await t.log.group('a', 'g').pull({ max: 10 }))).toEqual([6, 7, 8, 9, 10]);
    });

    test('with members that die, nack and acknowledge at random every entry is processed at least once', async () => {
      const total = 400;
      const done = new Set<number>();
      const group = t.log.group('a', 'g', { ackWaitMs: 50 });
      let seed = 7;
      const random = () => {
        seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
        return seed / 2 ** 31;
      };
      const member = async () => {
        while (done.size < total) {
          const got = await group.pull({ max: 7, waitMs: 1 });
          const dice = random();
          if (dice < 0.2) t.clock += 60;
          else if (dice < 0.4) await group.nack(ids(got));
          else {
            await group.ack(ids(got));
            for (const { offset } of got) done.add(offset);
          }
        }
      };
      const appending = (async () => {
        for (let i = 0; i < total / 10; i++)
          await t.log.append(
            'a',
            Array.from({ length: 10 }, () => bytes('x')),
          );
      })();
      await Promise.all([appending, member(), member(), member(), member()]);
      expect(await group.stats()).toMatchObject({ pending: 0, delivered: total });
    });
  });
}
