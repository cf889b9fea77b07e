import { openLog } from '@weir/log';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Producer, StreamError, StreamStore } from './index.js';
import { appendOf, contentOf, TEXT } from './testing/appends.js';

/** A model of the rules of protocol section 5.2.1 for batches, and for closed streams, without storage. */
class Model {
  readonly #places = new Map<string, { epoch: number; seq: number }>();
  #closed = false;
  content = '';

  /** The result of an append: its answer, or the code of its refusal. */
  append(text: string, producer: Producer | null, close: boolean): string {
    const known = producer === null ? null : this.#judge(producer);
    if (known !== null && known !== 'closed?') return known;
    if (this.#closed) return producer === null && text === '' ? 'duplicate' : 'stream_closed';
    if (known === 'closed?') return 'invalid_producer';
    if (producer !== null) this.#places.set(producer.id, { epoch: producer.epoch, seq: producer.seq });
    this.#closed = close;
    this.content += text;
    return 'new';
  }

  #judge({ id, epoch, seq }: Producer): string | null {
    const place = this.#places.get(id);
    if (place === undefined) return seq > 0 && !this.#closed ? 'producer_gap' : null;
    if (epoch < place.epoch) return 'producer_fenced';
    if (epoch > place.epoch) return seq === 0 ? null : 'closed?';
    if (seq <= place.seq) return 'duplicate';
    return seq > place.seq + 1 && !this.#closed ? 'producer_gap' : null;
  }
}

const append = fc.record({
  text: fc.constantFrom('a', 'bc', ''),
  producer: fc.option(fc.record({ id: fc.constantFrom('x', 'y'), epoch: fc.nat(2), seq: fc.nat(3) }), {
    nil: null,
  }),
  // Often enough, and late enough that appends precede it.
  close: fc.nat(11).map((n) => n === 0),
});
/** Appends that are sent together, and whether the store is reopened after them. */
const rounds = fc.array(fc.record({ appends: fc.array(append, { maxLength: 6 }), reopen: fc.boolean() }), {
  maxLength: 8,
});

test('a batch is stored once, in order, by its latest epoch, for any concurrency, resend or restart', async () => {
  await fc.assert(
    fc.asyncProperty(rounds, async (all) => {
      const log = await openLog({ engine: 'memory' });
      let store = await StreamStore.open({ log });
      await store.create('p', 's', TEXT);
      const model = new Model();
      for (const { appends, reopen } of all) {
        const source = await store.open('p', 's');
        const sent = appends.map(async ({ text, producer, close }) => {
          const request = appendOf(text, { producer, close: close || text === '' });
          try {
            return (await source.append(request)).isDuplicate ? 'duplicate' : 'new';
          } catch (error) {
            if (error instanceof StreamError) return error.code;
            throw error;
          }
        });
        const expected = appends.map(({ text, producer, close }) =>
          model.append(text, producer, close || text === ''),
        );
        expect(await Promise.all(sent)).toEqual(expected);
        expect(await contentOf(source)).toBe(model.content);
        source.release();
        if (!reopen) continue;
        await store.close();
        store = await StreamStore.open({ log });
      }
      await store.close();
      await log.close();
    }),
    { numRuns: 300 },
  );
});

test('the answer to a gap names the missing batch, and the answer to a fenced producer the known epoch', async () => {
  const store = await StreamStore.open({ log: await openLog({ engine: 'memory' }) });
  await store.create('p', 's', TEXT);
  const source = await store.open('p', 's');
  const send = (epoch: number, seq: number) =>
    source.append(appendOf('x', { producer: { id: 'w', epoch, seq } }));
  await expect(send(0, 2)).rejects.toMatchObject({
    status: 409,
    headers: { 'producer-expected-seq': '0', 'producer-received-seq': '2' },
  });
  await send(4, 0);
  await expect(send(4, 3)).rejects.toMatchObject({
    status: 409,
    headers: { 'producer-expected-seq': '1', 'producer-received-seq': '3' },
  });
  await expect(send(3, 0)).rejects.toMatchObject({ status: 403, headers: { 'producer-epoch': '4' } });
  expect(await send(4, 0)).toMatchObject({ isDuplicate: true, producer: { epoch: 4, seq: 0 } });
});

test('a stream retains a bounded number of producers, and evicts those silent for a week', async () => {
  let now = 1_700_000_000_000;
  const log = await openLog({ engine: 'memory' });
  const store = await StreamStore.open({ log, now: () => now, limits: { producers: 3 } });
  await store.create('p', 's', TEXT);
  const source = await store.open('p', 's');
  const send = (id: string, seq = 0) => source.append(appendOf(id, { producer: { id, epoch: 0, seq } }));
  for (const id of ['a', 'b', 'c']) await send(id);
  await expect(send('d')).rejects.toMatchObject({ code: 'too_many_producers', status: 422 });
  now += 4 * 24 * 3600 * 1000;
  await send('a', 1);
  now += 4 * 24 * 3600 * 1000;
  expect((await send('d')).isDuplicate).toBe(false);
  expect((await send('a', 1)).isDuplicate).toBe(true);
  expect((await send('c')).isDuplicate).toBe(true);
});
