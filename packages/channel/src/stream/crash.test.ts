import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openLog } from '@weir/log';
import { expect, test } from 'vitest';
import { StreamStore } from './index.js';
import { appendOf, contentOf } from './testing/appends.js';

const CHILD = fileURLToPath(
  new URL('testing/append-until-killed.js', import.meta.resolve('@weir/channel/stream')),
);

/**
 * Lets the child append until it has acknowledged `count` batches, kills it, and returns the next unacknowledged
 * sequences.
 */
async function appendUntilKilled(path: string, starts: readonly number[], count: number): Promise<number[]> {
  const child = spawn(process.execPath, [CHILD, path, ...starts.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  while (child.exitCode === null && output.split('\n').length <= count) {
    await Promise.race([once(child.stdout, 'data'), ended]);
  }
  child.kill('SIGKILL');
  await ended;
  const next = [...starts];
  for (const line of output.split('\n').slice(0, -1)) {
    const [id = '', seq] = line.split(' ');
    const i = Number(id.slice(1));
    next[i] = Math.max(next[i] ?? 0, Number(seq) + 1);
  }
  return next;
}

test('after kill -9 every acknowledged batch is stored, and batches that producers resend are stored once', async () => {
  const path = await mkdtemp(join(tmpdir(), 'weir-stream-'));
  let next = [0, 0, 0];
  for (const count of [150, 900, 400, 20]) {
    const acknowledged = await appendUntilKilled(path, next, count);
    // Some of the resent batches were acknowledged, and some were stored without an acknowledgement.
    next = acknowledged.map((seq) => Math.max(0, seq - 5));
  }
  const log = await openLog({ engine: 'lmdb', path });
  const source = await (await StreamStore.open({ log })).open('p', 's');
  const lines = (await contentOf(source)).split('\n').slice(0, -1);
  for (const [i, seq] of next.entries()) {
    const own = lines.filter((line) => line.startsWith(`p${i} `));
    expect(own).toEqual(own.map((_, n) => `p${i} ${n}`));
    expect(own.length).toBeGreaterThanOrEqual(seq + 5);
    const producer = { id: `p${i}`, epoch: 0, seq: own.length - 1 };
    const again = await source.append(appendOf('sent again', { producer }));
    expect(again).toMatchObject({ isDuplicate: true, offset: source.info.offset });
  }
  await log.close();
  await rm(path, { recursive: true });
});
