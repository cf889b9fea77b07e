import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockDirectory, openLog } from './index.js';

const CHILD = fileURLToPath(new URL('testing/append-under-load.js', import.meta.resolve('@weir/log')));

let dir: string;
let child: Child | undefined;

interface Child {
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  readonly output: () => string;
  /** Resolves when the output has at least this many lines. */
  lines(count: number): Promise<void>;
  kill(): Promise<void>;
}

function start(args: readonly string[]): Child {
  const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(process_, 'close');
  let output = '';
  let count = 0;
  process_.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    for (const byte of chunk) if (byte === 0x0a) count += 1;
  });
  return {
    process: process_,
    output: () => output,
    lines: async (wanted) => {
      while (count < wanted) {
        const [code] = await Promise.race([once(process_.stdout, 'data'), ended]);
        if (process_.exitCode !== null && count < wanted) throw new Error(`child ended early: ${code}`);
      }
    },
    kill: async () => {
      process_.kill('SIGKILL');
      await ended;
    },
  };
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'weir-crash-'));
});
afterEach(async () => {
  await child?.kill();
  child = undefined;
  await rm(dir, { recursive: true });
});

test('after kill -9 under load every acknowledged entry exists, and offsets continue', async () => {
  const acknowledged = new Map<string, string>();
  const cursors = new Map<string, number>();
  const reached = new Map<string, number>();
  let epoch: number | undefined;
  for (let run = 0; run < 8; run++) {
    child = start([CHILD, dir, String(run)]);
    await child.lines(1 + Math.floor(Math.random() * 3000));
    await child.kill();

    for (const line of child.output().split('\n').slice(1, -1)) {
      const [stream = '', first = '', last = '', entry = ''] = line.split(' ');
      if (stream === 'cursor') {
        cursors.set(`${first} ${last}`, Number(entry));
        continue;
      }
      expect(Number(first), 'offsets never restart').toBeGreaterThan(reached.get(stream) ?? 0);
      for (let i = 0; i <= Number(last) - Number(first); i++) {
        acknowledged.set(`${stream} ${Number(first) + i}`, `${entry}/${i}`);
      }
    }
    const log = await openLog({ engine: 'lmdb', path: dir });
    epoch ??= log.epoch;
    expect(log.epoch).toBe(epoch);
    const found = new Map<string, string>();
    for (const stream of await log.streams()) {
      const { last } = await log.stats(stream);
      let after = 0;
      while (after < last) {
        for (const entry of await log.read(stream, { after })) {
          expect(entry.offset, 'no gap').toBe(after + 1);
          after = entry.offset;
          found.set(`${stream} ${after}`, Buffer.from(entry.data).toString().trimEnd());
        }
      }
      reached.set(stream, last);
    }
    for (const [place, entry] of acknowledged) expect(found.get(place)).toBe(entry);
    for (const [key, offset] of cursors) {
      const [stream = '', id = ''] = key.split(' ');
      expect((await log.cursor(stream, `caller ${id}`).get())?.offset).toBeGreaterThanOrEqual(offset);
    }
    await log.close();
  }
  expect(acknowledged.size).toBeGreaterThan(1000);
});

test('a directory in use is refused to another process and to this one, and is free after kill -9', async () => {
  child = start([CHILD, dir, '0']);
  await child.lines(1);
  const refused = { code: 'locked', retryable: true, message: expect.stringContaining(dir) };
  await expect(lockDirectory(dir)).rejects.toMatchObject(refused);
  await expect(openLog({ engine: 'lmdb', path: dir })).rejects.toMatchObject(refused);
  await child.kill();

  const lock = await lockDirectory(dir);
  await expect(lockDirectory(dir)).rejects.toMatchObject(refused);
  await lock.release();
  await lock.release();
  const log = await openLog({ engine: 'lmdb', path: dir });
  await log.close();
});
