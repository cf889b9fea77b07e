import { chmod, lstat, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { unsafeDirectory } from './own-directory.js';
import { readPrivateFile, writePrivateFile } from './private-file.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-private-'));
});
afterEach(async () => await rm(directory, { recursive: true, force: true }));

test('a link in the place of a private file is replaced, and its target stays unchanged', async () => {
  const [path, other] = [join(directory, 'secret'), join(directory, 'other')];
  await writeFile(other, 'theirs', { mode: 0o644 });
  await symlink(other, path);
  expect(await readPrivateFile(path)).toBeNull();
  await writePrivateFile(path, 'ours');
  expect([await readFile(other, 'utf8'), await readPrivateFile(path)]).toEqual(['theirs', 'ours']);
  const facts = await lstat(path);
  expect([facts.isFile(), facts.mode & 0o777]).toEqual([true, 0o600]);
});

test('a directory that other users can write to is not safe', async () => {
  expect(await unsafeDirectory(directory)).toBeNull();
  for (const mode of [0o777, 0o720, 0o702, 0o1777]) {
    await chmod(directory, mode);
    expect(await unsafeDirectory(directory)).toMatch(/^other users may write to .*chmod go-w/);
  }
  await chmod(directory, 0o755);
  await symlink(directory, join(directory, 'own-link'));
  expect(await unsafeDirectory(join(directory, 'own-link'))).toBeNull();
});

test.runIf(process.getuid?.() === 0)('a file of another user is neither read nor used', async () => {
  const path = join(directory, 'secret');
  await writeFile(path, 'planted');
  const { chown, lchown } = await import('node:fs/promises');
  await chown(path, 12_345, 12_345);
  expect(await readPrivateFile(path)).toBeNull();
  await writePrivateFile(path, 'ours');
  expect((await lstat(path)).uid).toBe(0);
  const link = join(directory, 'link');
  await symlink(directory, link);
  await lchown(link, 12_345, 12_345);
  expect(await unsafeDirectory(link)).toMatch(/a link that another user has made/);
  await chown(directory, 12_345, 12_345);
  expect(await unsafeDirectory(directory)).toMatch(/belongs to another user/);
});
