import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { readJsonFile } from './json-file.js';

it('names the owner of a directory that this user cannot read', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'weir-home-'));
  const home = join(parent, '.weir');
  mkdirSync(home);
  writeFileSync(join(home, 'config.json'), '{}');
  const owner = process.getuid?.();
  // Root can read everything, so the test switches to another user for a moment.
  if (owner === 0) process.seteuid?.(65_534);
  else chmodSync(home, 0);
  try {
    await expect(readJsonFile(join(home, 'config.json'), z.unknown())).rejects.toMatchObject({
      code: 'not_your_directory',
      message: expect.stringContaining(`belongs to user ${owner}`),
      hint: expect.stringContaining('WEIR_HOME'),
    });
  } finally {
    if (owner === 0) process.seteuid?.(0);
    else chmodSync(home, 0o700);
    rmSync(parent, { recursive: true });
  }
});
