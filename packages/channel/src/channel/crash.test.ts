import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openLog } from '@weir/log';
import { expect, test } from 'vitest';
import { Router } from './index.js';
import { ANN, bob, text, textOf } from './testing/people.js';

const CHILD = fileURLToPath(new URL('testing/append-until-killed.js', import.meta.resolve('@weir/channel')));

/** Lets the child append until it has acknowledged `count` messages, kills it, and returns its output. */
async function appendUntilKilled(path: string, count: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, path], { stdio: ['ignore', 'pipe', 'inherit'] });
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
  return output.split('\n').slice(0, -1);
}

test('after kill -9 every acknowledged message is stored, and a resend gets the same answer', async () => {
  const path = await mkdtemp(join(tmpdir(), 'weir-channel-'));
  const said = [];
  for (const count of [200, 1500, 700]) said.push(...(await appendUntilKilled(path, count)));
  expect(said.length).toBeGreaterThanOrEqual(2400);

  const log = await openLog({ engine: 'lmdb', path });
  const router = new Router({ log, rateLimit: false });
  const entries = [];
  for (let after = 0; ; ) {
    const page = await router.readAfter('p_c', ANN, after);
    if (page.entries.length === 0) break;
    entries.push(...page.entries);
    after = page.next;
  }
  expect(entries.map(({ index }) => index)).toEqual(entries.map((_, i) => i + 1));
  for (const line of said) {
    const [role = '', sequence, index, timestamp] = line.split(' ');
    const entry = entries[Number(index) - 1];
    const content = `${role} ${sequence}`;
    expect(entry && textOf(entry)).toBe(content);
    const answer = { index: Number(index), timestamp: Number(timestamp) };
    const again = text(Number(sequence), content);
    expect(await router.append('p_c', role === 'submitter' ? ANN : bob(), again)).toEqual(answer);
  }
  await log.close();
  await rm(path, { recursive: true });
});
