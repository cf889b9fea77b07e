import { openLog } from '@weir/log';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeEventKey } from './event-key.js';
import { type Claims, IdWindow } from './id-window.js';

const HOUR = 3_600_000;
const STREAM = 'events';

function keysOf(ids: readonly (string | null)[], project = 'p'): Uint32Array {
  const keys = new Uint32Array(ids.length * 4);
  ids.forEach((id, index) => {
    if (id !== null) writeEventKey(project, id, keys, index);
  });
  return keys;
}

async function claim(window: IdWindow, keys: Uint32Array): Promise<Claims> {
  for (;;) {
    const claims = window.claim(keys, await window.lookup(keys));
    if (claims !== null) return claims;
  }
}

/** Claims ids and makes the new ones durable in one entry, like the service. */
async function store(
  window: IdWindow,
  log: Awaited<ReturnType<typeof openLog>>,
  ids: readonly (string | null)[],
): Promise<string[]> {
  const keys = keysOf(ids);
  const claims = await claim(window, keys);
  const isNew = ids.flatMap((_, i) => (claims.outcomes[i] === 'new' ? [i] : []));
  if (isNew.length === 0) claims.settle(0);
  else {
    const bytes = Buffer.concat(isNew.map((i) => Buffer.from(keys.buffer, i * 16, 16)));
    claims.settle((await log.append(STREAM, [bytes])).last);
  }
  return claims.outcomes.map((outcome) => (typeof outcome === 'string' ? outcome : 'waits'));
}

async function reopen(
  log: Awaited<ReturnType<typeof openLog>>,
  options: { maxIds?: number; tableIds?: number },
  now: () => number,
) {
  const window = await IdWindow.open(log, STREAM, {
    windowMs: 24 * HOUR,
    maxIds: 1e6,
    tableIds: 64,
    now,
    ...options,
  });
  for (const { offset, data } of await log.read(STREAM, { after: window.spilledOffset })) {
    await window.recover(offset, Buffer.from(data), now());
  }
  return window;
}

describe('IdWindow', () => {
  it('a copy waits for the first: a duplicate if that became durable, stored itself if it failed', async () => {
    const log = await openLog({ engine: 'memory' });
    const window = await reopen(log, {}, () => 0);
    const keys = keysOf(['a']);
    const first = await claim(window, keys);
    const second = await claim(window, keys);
    expect(first.outcomes).toEqual(['new']);
    expect(second.outcomes[0]).toBeInstanceOf(Promise);
    first.settle(null);
    second.settle(0);
    expect(await second.outcomes[0]).toBe(false);
    const third = await claim(window, keys);
    expect(third.outcomes).toEqual(['new']);
    const fourth = await claim(window, keys);
    third.settle(1);
    expect(await fourth.outcomes[0]).toBe(true);
    expect((await claim(window, keys)).outcomes).toEqual(['known']);
  });

  it('detects a second copy within a submission, and accepts events without id as new', async () => {
    const log = await openLog({ engine: 'memory' });
    const window = await reopen(log, {}, () => 0);
    expect(await store(window, log, ['a', null, 'a', null])).toEqual(['new', 'new', 'known', 'new']);
  });

  it('keeps projects apart', () => {
    expect(keysOf(['a'], 'p')).not.toEqual(keysOf(['a'], 'q'));
  });

  it('removes whole runs after the window, and the oldest ones beyond its size', async () => {
    let now = 0;
    const log = await openLog({ engine: 'memory' });
    const window = await reopen(log, { maxIds: 100, tableIds: 256 }, () => now);
    await store(window, log, ['old']);
    await window.maintain(true);
    now = 26 * HOUR;
    await store(window, log, ['new']);
    await window.maintain(true);
    expect(await store(window, log, ['old', 'new'])).toEqual(['new', 'known']);
    expect(window.reachSeconds()).toBe(24 * 3600);

    await store(
      window,
      log,
      Array.from({ length: 101 }, (_, i) => `x${i}`),
    );
    now += HOUR / 2;
    await window.maintain(true);
    await store(window, log, ['y']);
    now += HOUR / 2;
    await window.maintain(true);
    expect(window.size).toBeLessThanOrEqual(102);
    expect(await store(window, log, ['new'])).toEqual(['new']);
    expect(window.reachSeconds()).toBeLessThanOrEqual(3600);
  });

  it('answers like a set of ids, over spills and restarts (property)', async () => {
    const command = fc.oneof(
      { weight: 8, arbitrary: fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 40 }) },
      { weight: 1, arbitrary: fc.constant('spill' as const) },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
        const log = await openLog({ engine: 'memory' });
        let window = await reopen(log, {}, () => 0);
        const model = new Set<number>();
        for (const step of commands) {
          if (step === 'spill') {
            await window.maintain(true);
            // Entries whose ids are in runs are trimmed, so that only the runs know them after a restart.
            await log.trim(STREAM, window.spilledOffset + 1);
          } else if (step === 'restart') window = await reopen(log, {}, () => 0);
          else {
            const wanted = step.map((id) => {
              const isKnown = model.has(id);
              model.add(id);
              return isKnown ? 'known' : 'new';
            });
            expect(await store(window, log, step.map(String))).toEqual(wanted);
            await window.maintain();
          }
        }
        await log.close();
      }),
      { seed: 3, numRuns: 60 },
    );
  });

  it('removes the remains of an interrupted write of a run', async () => {
    const log = await openLog({ engine: 'memory' });
    const window = await reopen(log, {}, () => 0);
    await store(window, log, ['a']);
    await window.maintain(true);
    const runs = await log.streams(`${STREAM}.ids.`);
    expect(runs).toHaveLength(1);
    await log.append(`${STREAM}.ids.left`, [Buffer.from('x')]);
    const again = await reopen(log, {}, () => 0);
    expect(await log.streams(`${STREAM}.ids.`)).toEqual(runs);
    expect(await store(again, log, ['a'])).toEqual(['known']);
  });

  it('writes a run when its table is full or old, and removes runs older than the window', async () => {
    let now = 0;
    const log = await openLog({ engine: 'memory' });
    const window = await reopen(log, { tableIds: 64 }, () => now);
    const runs = async () => (await log.streams(`${STREAM}.ids.`)).length;
    await store(window, log, ['a']);
    await window.maintain();
    expect([await runs(), window.isFull, window.size]).toEqual([0, false, 1]);
    await store(
      window,
      log,
      Array.from({ length: 63 }, (_, i) => `b${i}`),
    );
    expect(window.isFull).toBe(true);
    await window.maintain();
    expect([await runs(), window.isFull, window.size]).toEqual([1, false, 64]);
    await store(window, log, ['c']);
    now = HOUR - 1;
    await window.maintain();
    expect(await runs()).toBe(1);
    now = HOUR;
    await window.maintain();
    expect([await runs(), window.size]).toEqual([2, 65]);
    now = 25 * HOUR + 1;
    await store(window, log, ['d']);
    await window.maintain();
    await window.maintain();
    expect(await store(window, log, ['b1', 'd'])).toEqual(['new', 'known']);
  });

  it('rejects ids when runs cannot be written, and loses none', async () => {
    const log = await openLog({ engine: 'memory' });
    const window = await reopen(log, { tableIds: 64 }, () => 0);
    const claims: Claims[] = [];
    const claimAll = async (): Promise<void> => {
      for (let i = 0; i < 1_000; i += 1) claims.push(await claim(window, keysOf([`n${i}`])));
    };
    await expect(claimAll()).rejects.toMatchObject({ code: 'ingest_full' });
    expect(claims).toHaveLength(96);
    for (const [i, one] of claims.entries()) one.settle(i + 1);
    await window.maintain(true);
    expect((await claim(window, keysOf(['n0', 'n95', 'n96']))).outcomes).toEqual(['known', 'known', 'new']);
  });

  it('lets a full log be trimmed: its ids use the room reserved for runs', async () => {
    const log = await openLog({ engine: 'memory', maxBytes: 256 * 1024 });
    const window = await reopen(log, { tableIds: 4096 }, () => 1_000_000);
    let stored = 0;
    for (;;) {
      const keys = keysOf([`id-${stored}`]);
      const claims = await claim(window, keys);
      const entry = Buffer.concat([Buffer.from(keys.buffer), Buffer.alloc(2_000)]);
      const appended = await log.append(STREAM, [entry]).catch(() => null);
      claims.settle(appended?.last ?? null);
      if (appended === null) break;
      stored += 1;
    }
    await window.maintain(true);
    expect(window.spilledOffset).toBe(stored);
    await log.trim(STREAM, window.spilledOffset + 1);
    expect((await claim(window, keysOf(['id-0']))).outcomes).toEqual(['known']);
    expect((await claim(window, keysOf(['fresh']))).outcomes).toEqual(['new']);
    await log.append(STREAM, [Buffer.alloc(2_000)]);
    expect(window.reachSeconds()).toBe(1_000);
  });

  it('evicts ids instead of blocking a full log that has no room for them', async () => {
    const log = await openLog({ engine: 'memory', maxBytes: 64 * 1024 });
    const window = await reopen(log, { tableIds: 4096 }, () => 1_000_000);
    await store(
      window,
      log,
      Array.from({ length: 2_000 }, (_, i) => `id-${i}`),
    );
    await log.append('other', [Buffer.alloc((await log.size()).maxBytes - (await log.size()).bytes - 200)]);
    await window.maintain(true);
    expect(window.spilledOffset).toBe(1);
    expect(window.reachSeconds()).toBe(0);
    expect((await claim(window, keysOf(['id-0']))).outcomes).toEqual(['new']);
  });

  it('claims stay correct during a concurrent spill', async () => {
    const log = await openLog({ engine: 'memory' });
    const window = await reopen(log, { tableIds: 4096 }, () => 0);
    const id = (i: number): string => `id-${i}`;
    for (let i = 0; i < 4096; i += 64)
      await store(
        window,
        log,
        Array.from({ length: 64 }, (_, k) => id(i + k)),
      );
    const spill = window.maintain(true);
    let settled = false;
    void spill.then(() => {
      settled = true;
    });
    let rounds = 0;
    while (!settled) {
      expect(await store(window, log, [id(rounds % 4096), `fresh-${rounds}`])).toEqual(['known', 'new']);
      rounds += 1;
    }
    for (let i = 0; i < rounds; i += 1) expect(await store(window, log, [`fresh-${i}`])).toEqual(['known']);
    expect(rounds).toBeGreaterThan(0);
  });
});
