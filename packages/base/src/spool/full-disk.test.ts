import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readAhead } from './read-ahead.js';

// A separate disk that can really be full. Needs root, which the test image has.
let mount: string;
beforeEach(() => {
  mount = mkdtempSync(join(tmpdir(), 'weir-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount]);
});
afterEach(() => {
  execFileSync('umount', [mount]);
  rmSync(mount, { recursive: true });
});

test('a slow reader gets every byte in order although the disk is full', async () => {
  const items = Array.from({ length: 500 }, (_, i) => new Uint8Array(10_000).fill(i % 251));
  let given = 0;
  async function* source(): AsyncGenerator<Uint8Array> {
    for (const item of items) {
      given += 1;
      yield item;
    }
  }
  const reading = readAhead(source(), { directory: mount, windowBytes: 20_000, patienceMs: 0 });
  const got: Uint8Array[] = [];
  for (let next = await reading.next(); next.done !== true; next = await reading.next()) {
    got.push(next.value);
    // The disk takes a hundred items.
    if (got.length === 1) while (given < 100) await delay(5);
    await delay(1);
  }
  expect(Buffer.concat(got).equals(Buffer.concat(items))).toBe(true);
});
