import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type SmallDisk, smallDisk } from '@weir/base/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Log, LogError, openLog } from './index.js';

let disk: SmallDisk;
let log: Log;

beforeEach(async () => {
  disk = await smallDisk(48);
});
afterEach(async () => {
  await log?.close();
  await disk?.remove();
});

const open = (reserveBytes?: number) =>
  openLog({
    engine: 'lmdb',
    path: join(disk.path, 'log'),
    ...(reserveBytes === undefined ? {} : { reserveBytes }),
  });

/** Appends until rejected; returns the error and the last acknowledged offset. */
async function fill(): Promise<{ error: LogError; last: number }> {
  let { last } = await log.stats('a');
  for (;;) {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 4 }, () => log.append('a', [Buffer.alloc(20_000, 97)])),
    );
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') last = Math.max(last, outcome.value.last);
      else if (outcome.reason instanceof LogError) return { error: outcome.reason, last };
      else throw outcome.reason;
    }
  }
}

/** Waits until an append succeeds, and checks that the rejected ones left no gap. */
async function appendsAgain(): Promise<void> {
  const end = Date.now() + 15_000;
  const { last } = await log.stats('a');
  for (;;) {
    try {
      expect(await log.append('a', [Buffer.from('back')])).toEqual({ first: last + 1, last: last + 1 });
      return;
    } catch (error) {
      if (!(error instanceof LogError && error.retryable) || Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Uses up all remaining disk space. */
async function takeTheRest(): Promise<void> {
  for (let i = 0; ; i++) {
    const { bavail, bsize } = await statfs(disk.path);
    if (bavail === 0) return;
    await writeFile(join(disk.path, `filler-${i}`), Buffer.alloc(bavail * bsize)).catch(() => {});
  }
}

async function intact(last: number): Promise<void> {
  const { first } = await log.stats('a');
  let after = first - 1;
  while (after < last) {
    const entries = await log.read('a', { after });
    expect(entries[0]?.offset).toBe(after + 1);
    for (const { offset, data } of entries) {
      if (offset <= last) expect(data.byteLength).toBe(20_000);
      after = offset;
    }
  }
}

test('a disk that fills up during a commit: log_full, nothing lost, and recovery once space is free', async () => {
  // No reserve: the file itself reaches the end of the disk.
  log = await open(0);
  const { error, last } = await fill();
  expect(error).toMatchObject({ code: 'log_full', retryable: true, status: 503 });
  await intact(last);
  await log.trim('a', last - 10);
  await appendsAgain();
  await log.close();
  log = await open(0);
  await intact(last);
});

test('a disk that other programs filled: reads and cursors work, a trim makes room, freed space is detected', async () => {
  log = await open(1024 * 1024);
  for (let i = 0; i < 200; i++) await log.append('a', [Buffer.alloc(20_000, 97)]);
  await takeTheRest();
  const { error, last } = await fill();
  expect(error.code).toBe('log_full');
  await intact(last);
  // In one commit with a rejected append: the write that frees space succeeds without it.
  await log.cursor('a', 'reader').commit(1);
  const note = { stream: 'note', entries: [Buffer.alloc(1000)] };
  const [append, pull, , noted] = await Promise.allSettled([
    log.append('a', [Buffer.alloc(20_000, 97)]),
    log.group('a', 'g').pull({ max: 5 }),
    log.cursor('a', 'reader').commit(last),
    log.appendAll([note], { reserve: true }),
  ]);
  expect(noted).toMatchObject({ status: 'fulfilled' });
  expect(append).toMatchObject({ status: 'rejected', reason: { code: 'log_full' } });
  expect(pull).toMatchObject({ value: [1, 2, 3, 4, 5].map((offset) => ({ offset, attempt: 1 })) });
  expect((await log.cursor('a', 'reader').get())?.offset).toBe(last);
  expect((await log.size()).writable).toBe(false);
  await log.close();
  log = await open(1024 * 1024);
  expect(await log.group('a', 'g').stats()).toMatchObject({ pending: 5, delivered: 5 });
  await intact(last);
  await log.trim('a', last - 10);
  expect((await log.stats('a')).entries).toBe(11);
  await appendsAgain();

  await fill();
  await rm(join(disk.path, 'filler-0'));
  await appendsAgain();
  expect((await log.size()).writable).toBe(true);
});
