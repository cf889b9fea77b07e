import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findProgram } from './index.js';

test('an installed program is found, also in a directory that is not on PATH', async () => {
  const node = process.execPath;
  const directory = node.slice(0, node.lastIndexOf('/'));
  const found = await findProgram({ name: 'node', debianPackage: 'nodejs', directories: () => [directory] });
  expect(existsSync(found)).toBe(true);
});

test('a program that cannot be installed fails with what to do', async () => {
  await expect(
    findProgram({ name: 'no-such-server', debianPackage: 'weir-no-such-package' }),
  ).rejects.toThrow('apt-get install weir-no-such-package');
});
