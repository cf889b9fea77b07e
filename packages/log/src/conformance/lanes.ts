// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import fc from 'fast-check';
// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import { describe, expect, test } from 'vitest';
import type { Delivery, GroupOptions } from '../log.js';
import { LaneModel } from './lane-model.js';
import { bytes, offsets, refused, type Trial, texts } from './trial.js';

/** `a1` belongs to lane `a`, `-1` to none. */
const laneOf = (data: Uint8Array): string | null => {
  const [letter = '-'] = Buffer.from(data).toString();
  return letter === '-' ? null : letter;
};
const ids = (deliveries: readonly Delivery[]) => deliveries.map(({ id }) => id);

/** Groups with lanes, filters, member limits and dead entries. */
export function describeLanes(t: Trial): void {
  const group = (o: GroupOptions = {}) => t.log.group('s', 'g', { lane: laneOf, ackWaitMs: 1000, ...o });
  const append = (text: string) => t.log.append('s', text.split(' ').map(bytes));

  describe('lanes', () => {
    test('later entries of a lane are held back until the earlier ones are acknowledged, also after a restart', async () => {
      await append('a1 a2 b1 a3 -1');
      const one = await group().pull({ max: 1 });
      expect(texts(one)).toEqual(['a1']);
      const two = await group().pull({ max: 9 });
      expect(texts(two)).toEqual(['b1', '-1']);
      expect(await group().stats()).toEqual({ delivered: 5, pending: 3, held: 2, dead: 0, needs: 1 });
      await t.restart();
      expect(await group().pull({ max: 9 })).toEqual([]);
      const waiting = group().pull({ max: 9, waitMs: 20_000 });
      await group().ack(ids(one));
      const three = await waiting;
      expect(three.map((d) => [texts([d])[0], d.attempt])).toEqual([
        ['a2', 1],
        ['a3', 1],
      ]);
      await group().nack(ids(three).slice(0, 1));
      expect(await group().pull({ max: 9 })).toEqual([]);
      await group().ack(ids(three).slice(1));
      expect(texts(await group().pull({ max: 9 }))).toEqual(['a2']);
    });

    test('an expired lease is not extended if another entry of its lane was delivered since', async () => {
      await append('a1 a2');
      const both = await group().pull({ max: 9 });
      t.clock += 1001;
      expect(texts(await group().pull({ max: 1 }))).toEqual(['a1']);
      expect(await group().extend(ids(both))).toBe(0);
    });

    test('read-ahead is bounded, and every entry is delivered eventually', async () => {
      const count = 10_500;
      await t.log.append(
        's',
        Array.from({ length: count }, () => bytes('a')),
      );
      await append('b');
      expect(offsets(await group().pull({ max: 1 }))).toEqual([1]);
      for (let i = 0; i < 20; i++) expect(await group().pull({ max: 1 })).toEqual([]);
      expect(await group().stats()).toMatchObject({ held: 10_000, delivered: 10_001 });
      await t.restart();
      expect(await group().pull({ max: 1 })).toEqual([]);
      t.clock += 1001;
      const got: number[] = [];
      for (;;) {
        const page = await group().pull({ max: 1000 });
        if (page.length === 0) break;
        await group().ack(ids(page));
        got.push(...offsets(page));
      }
      expect(got).toEqual(Array.from({ length: count + 1 }, (_, i) => i + 1));
      expect(await group().stats()).toMatchObject({ held: 0, pending: 0 });
    });

    test('pending entries are bounded, and a waiting pull continues when there is room', async () => {
      const count = 20_500;
      await t.log.append(
        's',
        Array.from({ length: count }, () => bytes('-')),
      );
      const got: Delivery[] = [];
      for (let i = 0; got.length < 20_000; i++) {
        const page = await group().pull({ max: 1000, member: `m${i}` });
        got.push(...page);
        if (i % 2 === 0) await group().nack(ids(page), { delayMs: 60_000 });
      }
      expect(await group().pull({ max: 1000 })).toEqual([]);
      await t.restart();
      expect(await group().stats()).toMatchObject({ pending: 20_000, delivered: 20_000 });
      const waiting = group().pull({ max: 1000, waitMs: 20_000 });
      await group().ack(ids(got).slice(0, 1));
      expect(offsets(await waiting)).toEqual([20_001]);
      await group().remove();
      await t.restart();
      expect(await group().stats()).toMatchObject({ pending: 0, delivered: 0 });
      expect((await group().pull({ max: 1 })).map((d) => [d.offset, d.attempt])).toEqual([[1, 1]]);
    });

    test('a model of appends, pulls, acknowledgements, clocks and restarts agrees', async () => {
      const n = fc.nat({ max: 50 });
      const lane = fc.constantFrom('a', 'b', 'c', '-');
      const step = fc.oneof(
        fc.record({
          do: fc.constant('append' as const),
          lanes: fc.array(lane, { minLength: 1, maxLength: 8 }),
        }),
        fc.record({ do: fc.constant('pull' as const), max: fc.constantFrom(1, 2, 5, 1000) }),
        fc.record({ do: fc.constant('ack' as const), n }),
        fc.record({ do: fc.constant('nack' as const), n, delayMs: fc.constantFrom(0, 300) }),
        fc.record({ do: fc.constant('extend' as const), n }),
        fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(100, 400, 1100) }),
        fc.record({ do: fc.constant('restart' as const) }),
      );
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          const stream = `lanes-${run++}`;
          const model = new LaneModel(1000);
          const shared = () => t.log.group(stream, 'g', { lane: laneOf, ackWaitMs: 1000 });
          const pull = async (max: number) => model.pulled(await shared().pull({ max }), max, t.clock);
          for (const s of steps) {
            if (s.do === 'append') {
              await t.log.append(stream, s.lanes.map(bytes));
              model.appended(s.lanes);
            } else if (s.do === 'pull') await pull(s.max);
            else if (s.do === 'wait') t.clock += s.ms;
            else if (s.do === 'restart') {
              await t.restart();
              if (t.harness.reopen !== undefined) model.restarted();
            } else {
              const given = model.given(s.n);
              if (given === undefined) continue;
              if (s.do === 'ack') model.acked(given, await shared().ack([given.id]));
              else if (s.do === 'nack')
                model.nacked(given, await shared().nack([given.id], s), t.clock + s.delayMs);
              else model.extended(given, await shared().extend([given.id]), t.clock);
            }
          }
          while (!model.isDone) {
            t.clock += 1001;
            await pull(1000);
            for (const given of model.allGiven) model.acked(given, await shared().ack([given.id]));
          }
          expect(await shared().stats()).toMatchObject({ pending: 0, held: 0 });
        }),
        { numRuns: 150 },
      );
    });
  });

  describe('filters and member limits', () => {
    test('unwanted entries are skipped, however many', async () => {
      await append(Array.from({ length: 5000 }, () => '-').join(' '));
      await append('x1');
      const wants = (data: Uint8Array) => laneOf(data) === 'x';
      expect(texts(await group({ wants }).pull({ max: 9 }))).toEqual(['x1']);
      await append('- - -');
      expect(await group({ wants }).pull({ max: 9 })).toEqual([]);
      expect(await group({ wants }).stats()).toMatchObject({ delivered: 5004, pending: 1, held: 0 });
      await t.restart();
      await append('x2');
      expect(texts(await group({ wants, lane: () => null }).pull({ max: 9 }))).toEqual(['x2']);
    });

    test('skipped entries do not count as missed, whenever they are trimmed', async () => {
      const chosen = () => group({ wants: (data) => laneOf(data) === 'x' });
      await chosen().create();
      await append('- - -');
      expect(await chosen().pull({ max: 9 })).toEqual([]);
      t.clock += 61_000;
      expect(await chosen().pull({ max: 9 })).toEqual([]);
      await t.restart();
      await t.log.trim('s', 4);
      await append('x1');
      expect(texts(await chosen().pull({ max: 9 }))).toEqual(['x1']);
    });

    test('a member gets entries up to its limit, then is rejected; other members are not', async () => {
      await append('-1 -2 -3 -4 -5');
      const bounded = () => group({ maxUnacknowledged: 2 });
      const first = await bounded().pull({ max: 9, member: 'm' });
      expect(texts(first)).toEqual(['-1', '-2']);
      await t.restart();
      await refused('too_many_unacknowledged', bounded().pull({ max: 1, member: 'm' }));
      expect(texts(await bounded().pull({ max: 1, member: 'n' }))).toEqual(['-3']);
      await bounded().ack(ids(first).slice(0, 1));
      expect(texts(await bounded().pull({ max: 9, member: 'm' }))).toEqual(['-4']);
      t.clock += 1001;
      expect(await bounded().pull({ max: 9, member: 'm' })).toHaveLength(2);
    });
  });

  describe('lost leases and lost responses', () => {
    test('a restart renews every lease in full, whatever the wall clock did', async () => {
      await append('-1 -2');
      const first = await group().pull({ max: 1, member: 'm' });
      t.clock += 5_000;
      if (t.harness.reopen === undefined) return;
      await t.restart();
      expect(texts(await group().pull({ max: 9, member: 'n' }))).toEqual(['-2']);
      t.clock -= 3_600_000;
      await t.restart();
      t.clock += 5_000;
      expect(await group().pull({ max: 9, member: 'n' })).toEqual([]);
      t.clock += 999;
      expect(await group().pull({ max: 9, member: 'n' })).toEqual([]);
      t.clock += 1;
      const again = await group().pull({ max: 9, member: 'n' });
      expect(again.map((d) => [texts([d])[0], d.attempt])).toEqual([
        ['-1', 2],
        ['-2', 2],
      ]);
      expect(await group().ack(ids(first))).toBe(1);
    });

    test('entries of a lost response are redelivered at once without a further attempt', async () => {
      await append('a1 b1 b2 -1');
      const got = await group().pull({ max: 9, member: 'm' });
      expect(texts(got)).toEqual(['a1', 'b1', 'b2', '-1']);
      const holding = ids(got).slice(0, 2);
      const again = await group().pull({ max: 9, member: 'm', holding });
      // The first entry of lane b is still leased.
      expect(again.map((d) => [texts([d])[0], d.attempt])).toEqual([['-1', 1]]);
      expect(await group().pull({ max: 9, member: 'm', holding: [] })).toHaveLength(4);
    });

    test('a pull with holding replaces an earlier pull of its member', async () => {
      await append('-1');
      await group().ack(ids(await group().pull({ max: 1 })));
      const lost = group().pull({ max: 9, member: 'm', waitMs: 20_000, holding: [] });
      const pull = group().pull({ max: 9, member: 'm', waitMs: 20_000, holding: [] });
      expect(await lost).toEqual([]);
      await append('-2');
      expect(texts(await pull)).toEqual(['-2']);
    });

    test('a member claims expired or redelivered entries, but not those that another member holds', async () => {
      await append('a1 b1 c1');
      const got = await group().pull({ max: 9, member: 'm' });
      expect(await group().claim(ids(got), 'm')).toEqual(ids(got));
      t.clock += 1_001;
      expect(texts(await group().pull({ max: 1, member: 'n' }))).toEqual(['a1']);
      expect(texts(await group().pull({ max: 1, member: 'm' }))).toEqual(['b1']);
      expect(await group().claim(ids(got), 'm')).toEqual(ids(got).slice(1));
      await group().ack(ids(got).slice(1, 2));
      expect(await group().claim(ids(got), 'm')).toEqual(ids(got).slice(2));
      t.clock += 999;
      expect(await group().pull({ max: 9, member: 'n' })).toEqual([]);
      expect(await group().claim(ids(got), 'm', { from: 'n' })).toEqual([ids(got)[0], ids(got)[2]]);
      await group().release(ids(got).slice(2));
      expect(await group().claim(ids(got), 'm')).toEqual(ids(got).slice(0, 1));
    });
  });

  describe('dead entries', () => {
    const mortal = (o: GroupOptions = {}) => group({ maxAttempts: 2, deadMs: 5000, ...o });
    const fail = async () => await mortal().nack(ids(await mortal().pull({ max: 9 })));

    test('an entry that exceeds its attempts dies and frees its lane; it outlives its stream, and can be revived', async () => {
      await append('a1');
      await fail();
      await append('a2');
      // The second entry is delivered with the first and is one attempt behind.
      await fail();
      expect(texts(await mortal().pull({ max: 9 }))).toEqual(['a2']);
      await t.restart();
      const [dead, ...others] = await mortal().dead();
      expect(others).toEqual([]);
      expect(dead).toMatchObject({ offset: 1, attempts: 2, diedAt: t.clock });
      expect(dead && texts([dead])).toEqual(['a1']);
      expect(await mortal().stats()).toMatchObject({ pending: 1, dead: 1 });
      await t.log.trim('s', 2);
      expect(await mortal().retry([dead?.id ?? '', 'unknown'])).toBe(1);
      expect(await mortal().pull({ max: 9 })).toEqual([]);
      await t.restart();
      expect(await mortal().pull({ max: 9 })).toEqual([]);
      t.clock += 1001;
      const again = await mortal().pull({ max: 1 });
      expect(again.map((d) => [d.offset, texts([d])[0], d.attempt])).toEqual([[1, 'a1', 1]]);
      await mortal().ack(ids(again));
      expect(await mortal().stats()).toMatchObject({ dead: 0, needs: 2 });
    });

    test('entries pulled with a poison entry do not die with it', async () => {
      await append('a1 a2 a3 b1');
      const four = () => mortal({ maxAttempts: 4 });
      const pull = async () => await four().pull({ max: 9 });
      for (let i = 0; i < 2; i++) {
        const got = await pull();
        expect(texts(got)).toEqual(['a1', 'a2', 'a3', 'b1']);
        await four().nack(ids(got));
      }
      const alone = await pull();
      expect(texts(alone)).toEqual(['a1', 'b1']);
      await four().nack(ids(alone));
      await append('c1');
      await four().nack(ids(await pull()));
      const rest: string[] = [];
      for (let i = 0; i < 3; i++) {
        const got = await pull();
        rest.push(got.map((d) => `${texts([d])} ${d.attempt}`).join());
        await four().ack(ids(got));
      }
      expect(rest).toEqual(['a2 3,c1 1', 'a3 3', 'b1 4']);
      expect(texts(await four().dead())).toEqual(['a1']);
    });

    test('a member with an entry on its last attempt gets no other, and the others get the rest', async () => {
      const four = () => mortal({ maxAttempts: 4 });
      const pull = (member: string, max = 9) => four().pull({ max, member });
      await append('-1');
      for (let i = 0; i < 3; i++) await four().nack(ids(await pull('m')));
      await append('-2 -3 -4');
      const last = await pull('m');
      expect(last.map((d) => [texts([d])[0], d.attempt])).toEqual([['-1', 4]]);
      expect(await pull('m')).toEqual([]);
      const waiting = four().pull({ max: 9, member: 'm', waitMs: 20_000 });
      expect(texts(await pull('n', 1))).toEqual(['-2']);
      await four().ack(ids(last));
      expect(texts(await waiting)).toEqual(['-3', '-4']);
    });

    test('a busy member finishes its entries before it gets one on its last attempt', async () => {
      const four = () => mortal({ maxAttempts: 4 });
      const pull = (member: string, max = 9) => four().pull({ max, member });
      await append('-1');
      for (let i = 0; i < 3; i++) await four().nack(ids(await pull('m')));
      await append('-2 -3 -4');
      const first = await four().pull({ max: 1, member: 'm' });
      expect(texts(first)).toEqual(['-1']);
      const [two, three] = [await pull('n', 1), await pull('o', 1)];
      await four().release(ids(first));
      expect(await pull('n')).toEqual([]);
      expect(texts(await pull('o'))).toEqual(['-4']);
      expect(texts(three)).toEqual(['-3']);
      const waiting = four().pull({ max: 9, member: 'n', waitMs: 20_000 });
      await four().ack(ids(two));
      expect(texts(await waiting)).toEqual(['-1']);
    });

    test('many entries of one lane die over several pulls, and are revived in order up to the pending limit', async () => {
      const count = 21_000;
      await t.log.append(
        's',
        Array.from({ length: count }, () => bytes('a')),
      );
      const once = () => mortal({ maxAttempts: 1 });
      for (;;) {
        const page = await once().pull({ max: 1000 });
        if (page.length === 0) break;
        await once().nack(ids(page));
      }
      expect(await once().stats()).toMatchObject({ pending: 0, dead: count });
      expect(await once().retry('all')).toBe(20_000);
      await t.restart();
      expect(await once().stats()).toMatchObject({ held: 20_000, dead: 1_000 });
      expect(offsets(await once().pull({ max: 1000 }))).toEqual(
        Array.from({ length: 1000 }, (_, i) => i + 1),
      );
      expect(await once().purge('all')).toBe(1_000);
    });

    test('dead entries are listed in order of death, in pages, and purged by id, by age and with the group', async () => {
      await append('-1 -2 -3 -4');
      for (const [at, max] of [1, 2].entries()) {
        for (let i = 0; i < 2; i++) await mortal().nack(ids(await mortal().pull({ max })));
        if (at === 0) await mortal().pull({ max: 1 });
        t.clock += 1000;
      }
      await mortal().pull({ max: 9 });
      const all = await mortal().dead();
      expect(texts(all)).toEqual(['-1', '-2', '-3']);
      const [first, second] = all;
      const next = await mortal().dead({ after: first?.id ?? '', limit: 1 });
      expect(texts(next)).toEqual(['-2']);
      expect(await mortal().purge([second?.id ?? ''])).toBe(1);
      expect(texts(await mortal().dead({ after: second?.id ?? '' }))).toEqual(['-3']);
      await refused('invalid_request', mortal().dead({ after: 'nonsense' }));
      t.clock += 3500;
      expect(texts(await mortal().dead())).toEqual(['-3']);
      expect(await mortal().purge('all')).toBe(1);
      expect(await mortal().stats()).toMatchObject({ dead: 0 });
    });
  });
}
