import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Log, LogError, openLog } from './index.js';

// A disk of its own that can really be full. Needs root, which the test image has.
let mount: string;
let log: Log;

beforeEach(async () => {
  mount = await mkdtemp(join(tmpdir(), 'weir-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', mount]);
});
afterEach(async () => {
  await log.close();
  execFileSync('umount', [mount]);
  await rm(mount, { recursive: true });
});

const open = (reserveBytes?: number) =>
  openLog({
    engine: 'lmdb',
    path: join(mount, 'log'),
    ...(reserveBytes === undefined ? {} : { reserveBytes }),
  });

/** Appends until refused; answers with the error and the last offset acknowledged. */
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

/** Waits until an append goes through, and checks that the refused ones left no gap. */
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

/** Takes every byte the disk has left. */
async function takeTheRest(): Promise<void> {
  for (let i = 0; ; i++) {
    const { bavail, bsize } = await statfs(mount);
    if (bavail === 0) return;
    await writeFile(join(mount, `filler-${i}`), Buffer.alloc(bavail * bsize)).catch(() => {});
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

test('a disk that fills in the middle of a commit: log_full, nothing lost, and it comes back with space', async () => {
  // No reserve: the file itself hits the end of the disk.
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

test('a disk that others filled to the last byte: reads and cursors work, trim makes room, freed space is seen', async () => {
  log = await open(1024 * 1024);
  for (let i = 0; i < 200; i++) await log.append('a', [Buffer.alloc(20_000, 97)]);
  await takeTheRest();
  const { error, last } = await fill();
  expect(error.code).toBe('log_full');
  await intact(last);
  // In one commit with an append that is refused: what lets space be freed goes through without it.
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
  await rm(join(mount, 'filler-0'));
  await appendsAgain();
  expect((await log.size()).writable).toBe(true);
});
