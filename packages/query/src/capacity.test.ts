import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { Capacity, type CapacityLimits } from './capacity.js';

const limits = (given: Partial<CapacityLimits> = {}): CapacityLimits => ({
  perProject: 2,
  total: 8,
  queue: 3,
  waitMs: 60_000,
  ...given,
});

/** Lets pending promises settle. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Requests a place and records when it was granted. */
function ask(capacity: Capacity, project: string, entered: string[]): void {
  capacity.take(project).then(
    () => entered.push(project),
    () => {},
  );
}

test('a query above the share waits and runs as soon as a place is free', async () => {
  const capacity = new Capacity(limits());
  const release = await capacity.take('a');
  await capacity.take('a');
  const third = capacity.take('a');
  await settled();
  expect(capacity.use).toEqual({ running: 2, waiting: 1 });
  release();
  await third;
  expect(capacity.use).toEqual({ running: 2, waiting: 0 });
});

test('a full queue rejects at once, also a queue of size 0', async () => {
  for (const queue of [0, 3]) {
    const capacity = new Capacity(limits({ queue }));
    const entered: string[] = [];
    for (let i = 0; i < 2 + queue; i += 1) ask(capacity, 'a', entered);
    await expect(capacity.take('a')).rejects.toMatchObject({
      code: 'at_capacity',
      facts: { limit: 2 },
      retryAfterMs: 1_000,
    });
    expect(capacity.use).toEqual({ running: 2, waiting: queue });
  }
});

test('a wait that is too long ends with a rejection and frees its place in the queue', async () => {
  const capacity = new Capacity(limits({ waitMs: 20, queue: 1 }));
  await capacity.take('a');
  await capacity.take('a');
  await expect(capacity.take('a')).rejects.toMatchObject({ code: 'at_capacity' });
  expect(capacity.use).toEqual({ running: 2, waiting: 0 });
});

test('a caller that disconnects frees its place in the queue at once', async () => {
  const capacity = new Capacity(limits({ queue: 1 }));
  const release = await capacity.take('a');
  await capacity.take('a');
  const left = new AbortController();
  const waiting = capacity.take('a', left.signal);
  left.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'client_gone' });
  const next = capacity.take('a');
  release();
  await next;
  await expect(capacity.take('a', left.signal)).rejects.toMatchObject({ code: 'client_gone' });
  expect(capacity.use).toEqual({ running: 2, waiting: 0 });
});

test('a place is released once however often the function is called', async () => {
  const capacity = new Capacity(limits({ perProject: 1, queue: 0 }));
  const release = await capacity.take('a');
  release();
  const second = await capacity.take('a');
  release();
  await expect(capacity.take('a')).rejects.toMatchObject({ code: 'at_capacity' });
  second();
  expect(capacity.use).toEqual({ running: 0, waiting: 0 });
});

test('one project never holds all places, whatever its share is', async () => {
  const capacity = new Capacity(limits({ perProject: 100, total: 4, queue: 0 }));
  for (let i = 0; i < 3; i += 1) await capacity.take('a');
  await expect(capacity.take('a')).rejects.toMatchObject({ code: 'at_capacity', facts: { limit: 3 } });
  await capacity.take('b');
});

test('a free place goes to the project with the fewest running queries, even if queries of others have waited longer', async () => {
  const capacity = new Capacity(limits({ total: 4 }));
  const releases = [await capacity.take('a'), await capacity.take('a'), await capacity.take('b')];
  await capacity.take('b');
  const entered: string[] = [];
  for (const project of ['a', 'a', 'b', 'b', 'c']) ask(capacity, project, entered);
  releases[2]?.();
  await settled();
  expect(entered).toEqual(['c']);
});

test('projects with equally many running queries get places in rotation', async () => {
  const capacity = new Capacity(limits({ perProject: 1, total: 2, queue: 5 }));
  let release = await capacity.take('x');
  await capacity.take('y');
  const entered: string[] = [];
  for (const project of ['a', 'a', 'b', 'a', 'b']) {
    capacity.take(project).then(
      (done) => {
        entered.push(project);
        release = done;
      },
      () => {},
    );
  }
  for (let i = 0; i < 5; i += 1) {
    release();
    await settled();
  }
  expect(entered).toEqual(['a', 'b', 'a', 'b', 'a']);
});

test('a caller that disconnects removes no other waiter of its project', async () => {
  const capacity = new Capacity(limits({ perProject: 1 }));
  const release = await capacity.take('a');
  const left = new AbortController();
  const leaving = capacity.take('a', left.signal);
  const staying = capacity.take('a');
  left.abort();
  await expect(leaving).rejects.toMatchObject({ code: 'client_gone' });
  release();
  await staying;
});

test('a project whose last waiter has entered does not block others', async () => {
  const capacity = new Capacity(limits({ perProject: 1, total: 2 }));
  const [x, y] = [await capacity.take('x'), await capacity.take('y')];
  const a = capacity.take('a');
  x();
  (await a)();
  const second = await capacity.take('x');
  const b = capacity.take('b');
  second();
  await b;
  y();
});

test('the signal of a caller is observed only while it waits', async () => {
  const capacity = new Capacity(limits({ perProject: 1, waitMs: 20 }));
  const { signal } = new AbortController();
  const release = await capacity.take('a', signal);
  const entering = capacity.take('a', signal);
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  release();
  await entering;
  await expect(capacity.take('a', signal)).rejects.toMatchObject({ code: 'at_capacity' });
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('a rejection names whether the project or the engine is full', async () => {
  const capacity = new Capacity(limits({ perProject: 1, total: 2, queue: 0 }));
  await capacity.take('a');
  await capacity.take('b');
  await expect(capacity.take('a')).rejects.toThrow('the project runs 1 queries already');
  await expect(capacity.take('c')).rejects.toThrow('all places of the engine are taken');
});

test('the queues of all projects together are bounded', async () => {
  const capacity = new Capacity(limits({ perProject: 1, total: 2, queue: 2 }));
  await capacity.take('a');
  await capacity.take('b');
  const entered: string[] = [];
  for (let i = 0; i < 80; i += 1) ask(capacity, `p${i}`, entered);
  expect(capacity.use).toEqual({ running: 2, waiting: 64 });
  await expect(capacity.take('late')).rejects.toMatchObject({ code: 'at_capacity' });
});
