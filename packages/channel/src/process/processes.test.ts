import { storeForms } from '@weir/postgres/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { channelId, DEFAULT_PROCESS_LIMITS } from '../channel/index.js';
import type { Closing, NewProcess, Process, ProcessState, Who } from './process.js';
import { ANN, assign, BOB, codeOf, EVE, Node, PROJECT, submit, take } from './testing/node.js';

const OTHER_PROJECT = '00000000-0000-7000-8000-000000000002';

describe.each(storeForms)('processes over $name', (form) => {
  let node: Node;
  beforeAll(async () => {
    node = await Node.open(form);
  });
  afterAll(() => node.close());

  /** A process in a state, and the caller that was its executor if there was one. */
  const inState = async (state: ProcessState): Promise<{ process: Process; bob: Who }> => {
    const { processes } = node;
    const { id } = await submit(processes);
    let bob: Who = { credentialId: BOB };
    if (state !== 'waiting') bob = { ...bob, assignment: (await take(processes)).assignment };
    if (state === 'success' || state === 'failed')
      await processes.closeProcess(PROJECT, id, bob, { status: state, output: { n: 1 }, error: 'e' });
    if (state === 'cancelled') await processes.cancel(PROJECT, id, ANN);
    const process = await processes.get(PROJECT, id);
    expect(process.state).toBe(state);
    return { process, bob };
  };
  const closing: Closing = { status: 'success' };
  const codes = async (id: string, bob: Who) => ({
    heartbeat: await codeOf(node.processes.heartbeat(PROJECT, id, bob)),
    close: await codeOf(node.processes.closeProcess(PROJECT, id, bob, closing)),
    cancel: await codeOf(node.processes.cancel(PROJECT, id, ANN)),
  });

  it.each<[ProcessState, object]>([
    ['waiting', { heartbeat: 'invalid_state', close: 'invalid_state', cancel: 'ok' }],
    ['running', { heartbeat: 'ok', close: 'ok', cancel: 'invalid_state' }],
    ['success', { heartbeat: 'stale_attempt', close: 'invalid_state', cancel: 'invalid_state' }],
    ['failed', { heartbeat: 'stale_attempt', close: 'invalid_state', cancel: 'invalid_state' }],
    ['cancelled', { heartbeat: 'stale_attempt', close: 'stale_attempt', cancel: 'invalid_state' }],
  ])('lets happen to one that is %s what may happen', async (state, expected) => {
    const { process, bob } = await inState(state);
    expect(await codes(process.id, bob)).toEqual(expected);
  });

  it('cancels a running process, and closes it again only with the same result', async () => {
    const running = await inState('running');
    expect(await node.processes.cancel(PROJECT, running.process.id, ANN)).toMatchObject({
      state: 'cancelled',
    });

    const { process, bob } = await inState('failed');
    const again = (change: Partial<Closing>) =>
      node.processes.closeProcess(PROJECT, process.id, bob, {
        status: 'failed',
        output: { n: 1 },
        error: 'e',
        ...change,
      });
    expect(await again({})).toEqual(process);
    for (const other of [{ status: 'success' as const }, { output: 1 }, { error: 'f' }])
      expect(await codeOf(again(other))).toBe('invalid_state');
    expect(await node.processes.get(PROJECT, process.id)).toEqual(process);
  });

  it('rejects callers that do not take part, and hides a process from other projects', async () => {
    const { processes } = node;
    const { id } = await submit(processes, { channels: [{ name: 'c' }] });
    const { assignment } = await take(processes);
    const eve: Who = { credentialId: EVE };
    const bob: Who = { credentialId: BOB, assignment };
    expect(await codes(id, { ...ANN, assignment })).toEqual({
      heartbeat: 'forbidden',
      close: 'forbidden',
      cancel: 'ok',
    });
    expect(await codeOf(processes.heartbeat(PROJECT, id, { ...bob, assignment: `${assignment}x` }))).toBe(
      'forbidden',
    );
    expect(await codeOf(processes.cancel(PROJECT, id, bob))).toBe('forbidden');
    expect(await codeOf(processes.enter(PROJECT, id, eve))).toBe('forbidden');
    expect(await codeOf(processes.enter(PROJECT, id, { credentialId: '' }))).toBe('forbidden');
    const change = { add: [EVE], remove: [] };
    expect(await codeOf(processes.changeObservers(PROJECT, id, eve, change))).toBe('forbidden');
    await processes.changeObservers(PROJECT, id, ANN, change);
    expect(await processes.enter(PROJECT, id, eve)).toEqual({ observerId: EVE });
    await processes.changeObservers(PROJECT, id, ANN, { add: [], remove: [EVE] });
    expect(await codeOf(processes.enter(PROJECT, id, eve))).toBe('forbidden');

    const { signal } = new AbortController();
    for (const ask of [
      () => processes.get(OTHER_PROJECT, id),
      () => processes.cancel(OTHER_PROJECT, id, ANN),
      () => processes.heartbeat(OTHER_PROJECT, id, bob),
      () => processes.wait(OTHER_PROJECT, id, { timeoutMs: 0, signal }),
      () => processes.enter(OTHER_PROJECT, id, ANN),
      () => processes.get(PROJECT, 'no id'),
    ])
      expect(await codeOf(ask())).toBe('process_not_found');
    const asOther = { executorType: 'default', waitMs: 0, signal };
    expect(await processes.assign(OTHER_PROJECT, BOB, asOther)).toBeNull();
    expect((await processes.list(OTHER_PROJECT, {})).processes).toEqual([]);
  });

  it('returns a process without a heartbeat, and its executor loses all access', async () => {
    const { processes } = node;
    const { id } = await submit(processes, { channels: [{ name: 'c' }], maxExecMs: 300, maxRetries: 1 });
    const channel = channelId(id, 'c');
    const first = await take(processes);
    const bob: Who = { credentialId: BOB, assignment: first.assignment };
    const caller = await processes.enter(PROJECT, id, bob);
    await processes.router.append(channel, caller, { sequence: 1, payload: Buffer.from('x') });
    const reading = await processes.router.subscribe(channel, caller, { after: 1 });
    const ended = codeOf(
      (async () => {
        for await (const _frame of reading) break;
      })(),
    );

    const begun = Date.now();
    const beat = await processes.heartbeat(PROJECT, id, bob);
    expect(beat.dueAt?.getTime()).toBeGreaterThanOrEqual(begun + 300);
    const second = await take(processes, EVE, 5_000);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(300);
    expect(Date.now() - begun).toBeLessThan(300 + 6_000);
    expect(second.process).toMatchObject({ id, attempt: 2, state: 'running', executorId: EVE });

    expect(await codes(id, bob)).toMatchObject({ heartbeat: 'stale_attempt', close: 'stale_attempt' });
    expect(await codeOf(processes.enter(PROJECT, id, bob))).toBe('stale_attempt');
    expect(await ended).toBe('stale_attempt');
    const late = processes.router.append(channel, caller, { sequence: 2, payload: Buffer.from('y') });
    expect(await codeOf(late)).toBe('stale_attempt');
  });

  it('fails a process whose retries are used up, and one that no executor takes', async () => {
    const { processes } = node;
    const { id } = await submit(processes, { maxExecMs: 50, maxRetries: 2 });
    for (const attempt of [1, 2, 3])
      expect((await take(processes, BOB, 5_000)).process).toMatchObject({ id, attempt });
    const signal = new AbortController().signal;
    const failed = await processes.wait(PROJECT, id, { timeoutMs: 5_000, signal });
    expect(failed).toMatchObject({ state: 'failed', attempt: 3, executorId: null });
    expect(failed.error).toContain('attempt 3');

    const unwanted = await submit(processes, { maxWaitMs: 100 });
    const expired = await processes.wait(PROJECT, unwanted.id, { timeoutMs: 5_000, signal });
    expect(expired).toMatchObject({ state: 'failed', attempt: 1 });
    expect(await assign(processes)).toBeNull();
  });

  it('assigns by priority, then age, and a returned process before younger ones', async () => {
    const { processes } = node;
    const ids: string[] = [];
    for (const priority of [0, 5, 0, 5]) ids.push((await submit(processes, { priority })).id);
    await submit(processes, { executorType: 'other' });
    const order = [];
    for (let i = 0; i < 4; i += 1) order.push((await take(processes)).process.id);
    expect(order).toEqual([ids[1], ids[3], ids[0], ids[2]]);
    expect(await assign(processes)).toBeNull();
    expect(await assign(processes, BOB, { executorType: 'other' })).not.toBeNull();
  });

  it('assigns no process to two of eight executors', async () => {
    const { processes } = node;
    const got: string[] = [];
    const work = async (executorId: string) => {
      for (;;) {
        const assigned = await assign(processes, executorId, { waitMs: 1_500, executorType: 'many' });
        if (assigned === null) return;
        got.push(assigned.process.id);
        const who = { credentialId: executorId, assignment: assigned.assignment };
        await processes.closeProcess(PROJECT, assigned.process.id, who, closing);
      }
    };
    const working = Array.from({ length: 8 }, (_, i) => work(`executor ${i}`));
    const submitted = await Promise.all(
      Array.from({ length: 200 }, () => submit(processes, { executorType: 'many' })),
    );
    await Promise.all(working);
    expect(got.toSorted()).toEqual(submitted.map(({ id }) => id).toSorted());
  });

  it('assigns nothing to executors that have disconnected, and counts no retry', async () => {
    const { processes } = node;
    const leaving = new AbortController();
    const waiting = assign(processes, BOB, { waitMs: 30_000, signal: leaving.signal });
    leaving.abort();
    expect(await waiting).toBeNull();

    await submit(processes, { maxRetries: 0 });
    const gone = new AbortController();
    const taking = assign(processes, BOB, { signal: gone.signal });
    gone.abort();
    expect(await taking).toBeNull();
    expect((await take(processes, EVE, 5_000)).process).toMatchObject({ attempt: 1, executorId: EVE });
  });

  it('answers waiting executors at once, and at the end of their wait', async () => {
    const { processes } = node;
    const begun = performance.now();
    expect(await assign(processes, BOB, { waitMs: 200 })).toBeNull();
    expect(performance.now() - begun).toBeGreaterThanOrEqual(195);

    const waiting = assign(processes, BOB, { waitMs: 30_000 });
    const { id } = await submit(processes);
    const assigned = await waiting;
    expect(assigned?.process.id).toBe(id);
    const signal = new AbortController().signal;
    expect(await processes.wait(PROJECT, id, { timeoutMs: 50, signal })).toMatchObject({ state: 'running' });
    const end = processes.wait(PROJECT, id, { timeoutMs: 30_000, signal });
    const who = { credentialId: BOB, assignment: assigned?.assignment };
    await processes.closeProcess(PROJECT, id, who, { status: 'success', output: [1] });
    expect(await end).toMatchObject({ state: 'success', output: [1] });
  });

  it('finds the process of an idempotency key, unless the content differs', async () => {
    const { processes } = node;
    const wanted: NewProcess = { name: 'once', args: { a: 1 }, idempotencyKey: 'k', executorType: 'keys' };
    const made = await Promise.all(
      Array.from({ length: 5 }, () => processes.submit(PROJECT, ANN.credentialId, wanted)),
    );
    expect(new Set(made.map(({ process }) => process.id)).size).toBe(1);
    expect(made.filter(({ isNew }) => isNew)).toHaveLength(1);
    const other = processes.submit(PROJECT, ANN.credentialId, { ...wanted, args: { a: 2 } });
    expect(await codeOf(other)).toBe('idempotency_conflict');
    expect((await processes.submit(PROJECT, EVE, wanted)).isNew).toBe(true);

    const { limits } = node;
    const two = { ...wanted, idempotencyKey: 'two', channels: [{ name: 'a' }, { name: 'b' }] };
    const before = await processes.submit(PROJECT, ANN.credentialId, two);
    node.limits = { ...limits, channelsPerProcess: 1 };
    expect(await processes.submit(PROJECT, ANN.credentialId, two)).toEqual({ ...before, isNew: false });
    const fresh = processes.submit(PROJECT, EVE, two);
    expect(await codeOf(fresh)).toBe('too_many_channels');
    node.limits = limits;
    expect(await processes.submit(PROJECT, EVE, two)).toMatchObject({ isNew: true });

    const [first] = made;
    await node.store.postgres.db.execute(
      `update processes set created_at = created_at - interval '24 hours' where id = '${first?.process.id}'`,
    );
    expect((await processes.submit(PROJECT, ANN.credentialId, wanted)).isNew).toBe(true);
  });

  it('is submitted whole or not at all', async () => {
    const { processes } = node;
    const before = (await processes.list(PROJECT, { limit: 1 })).processes;
    const named = (...names: string[]) => ({ channels: names.map((name) => ({ name })) });
    const hundred = Array.from({ length: 101 }, (_, i) => `c${i}`);
    expect(await codeOf(submit(processes, named('good', 'not good')))).toBe('invalid_channel');
    expect(await codeOf(submit(processes, named('a', 'b', 'a')))).toBe('channel_exists');
    expect(await codeOf(submit(processes, named(...hundred)))).toBe('too_many_channels');
    expect(await codeOf(submit(processes, { args: 'x'.repeat(1024 * 1024) }))).toBe('body_too_large');
    expect((await processes.list(PROJECT, { limit: 1 })).processes).toEqual(before);
    // Characters that a text column rejects.
    const odd = await submit(processes, { args: { '\0': '\ud800' }, executorType: 'odd' });
    expect((await processes.get(PROJECT, odd.id)).args).toEqual({ '\0': '\ud800' });
  });

  it('keeps until its end the limits of its project at submission', async () => {
    const message = (sequence: number) => ({ sequence, payload: Buffer.from('x') });
    const appends = async (id: string): Promise<string[]> => {
      const { processes } = node;
      const caller = await processes.enter(PROJECT, id, ANN);
      const codes: string[] = [];
      for (const sequence of [1, 2, 3])
        codes.push(await codeOf(processes.router.append(channelId(id, 'c'), caller, message(sequence))));
      return codes;
    };
    const channels = [{ name: 'c' }];
    const free = await submit(node.processes, { channels });
    node.limits = { ...DEFAULT_PROCESS_LIMITS, entries: 2, channelsPerProcess: 1 };
    const two = submit(node.processes, { channels: [...channels, { name: 'd' }] });
    await expect(two).rejects.toMatchObject({ code: 'too_many_channels', status: 422, facts: { limit: 1 } });
    const full = await submit(node.processes, { channels });
    node.limits = {
      ...DEFAULT_PROCESS_LIMITS,
      rateLimit: { perSecond: 0, burst: 1 },
      channelsPerProcess: 101,
    };
    const names = Array.from({ length: 101 }, (_, i) => ({ name: i === 0 ? 'c' : `c${i}` }));
    // A crash comes before its channels are created; PostgreSQL has stored the process.
    const slow = await node.withoutRouter((processes) => submit(processes, { channels: names }));
    node.limits = DEFAULT_PROCESS_LIMITS;
    expect(await appends(free.id)).toEqual(['ok', 'ok', 'ok']);
    expect(await appends(full.id)).toEqual(['ok', 'ok', 'channel_full']);
    expect(await appends(slow.id)).toEqual(['ok', 'rate_limited', 'rate_limited']);
    await node.restart();
    expect(await appends(full.id)).toEqual(['ok', 'ok', 'channel_full']);
    for (const { id } of [free, full, slow]) await node.processes.cancel(PROJECT, id, ANN);
  });

  it('lists the newest first, page by page', async () => {
    const { processes } = node;
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1)
      ids.unshift((await submit(processes, { name: 'listed', executorType: 'l' })).id);
    const first = await processes.list(PROJECT, { name: 'listed', limit: 3, state: 'waiting' });
    const rest = await processes.list(PROJECT, { name: 'listed', after: first.next ?? '', limit: 3 });
    expect([...first.processes, ...rest.processes].map(({ id }) => id)).toEqual(ids);
    expect([first.next, rest.next]).toEqual([ids[2], null]);
  });

  it('removes channels after their retention, and keeps the process', async () => {
    node.retentionMs = 200;
    const processes = await node.restart();
    const { id } = await submit(processes, { channels: [{ name: 'c' }] });
    const channel = channelId(id, 'c');
    await processes.router.append(channel, await processes.enter(PROJECT, id, ANN), {
      sequence: 1,
      payload: Buffer.from('kept'),
    });
    await processes.cancel(PROJECT, id, ANN);
    const caller = await processes.enter(PROJECT, id, ANN);
    expect(await processes.router.readAfter(channel, caller, 0)).toMatchObject({
      entries: [{ index: 1 }],
      closed: { reason: 'cancelled', lastIndex: 1 },
    });
    await vi.waitFor(
      async () => expect(await codeOf(processes.enter(PROJECT, id, ANN))).toBe('channel_gone'),
      { timeout: 3_000 },
    );
    expect(await codeOf(processes.router.readAfter(channel, caller, 0))).toBe('channel_gone');
    expect(await codeOf((await node.restart()).enter(PROJECT, id, ANN))).toBe('channel_gone');
    expect(await node.processes.get(PROJECT, id)).toMatchObject({ state: 'cancelled' });
    node.retentionMs = 3_600_000;
    await node.restart();
  });
});
