import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findProgram } from './index.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-program-'));
});
afterEach(() => rm(directory, { recursive: true }));

const program = () => ({
  name: 'weir-no-such-server',
  debianPackage: 'weir-no-such-package',
  directories: () => [directory],
});
const installs: string[] = [];
const failing = async (name: string): Promise<void> => {
  installs.push(name);
  throw new Error('no network');
};

test('an installed program is found, and none is installed', async () => {
  const path = join(directory, 'weir-no-such-server');
  await writeFile(path, '');
  expect(await findProgram(program(), failing)).toBe(path);
  expect(installs).toEqual([]);
});

test('a missing program is installed and then found', async () => {
  const path = join(directory, 'weir-no-such-server');
  expect(await findProgram(program(), () => writeFile(path, ''))).toBe(path);
});

test('a program that cannot be installed fails with instructions and the reason', async () => {
  const failure = await findProgram(program(), failing).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    message: expect.stringContaining('apt-get install weir-no-such-package'),
    cause: { message: 'no network' },
  });
});
