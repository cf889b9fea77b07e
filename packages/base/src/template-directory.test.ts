import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  copyTemplate,
  findTemplate,
  installedVersion,
  makeTemplate,
  type TemplateKind,
  templateName,
} from './template-directory.js';

const V1: TemplateKind = { name: 'store', madeFrom: ['engine 1', 'step 1'] };
const V2: TemplateKind = { name: 'store', madeFrom: ['engine 1', 'step 1', 'step 2'] };

let root: string;
let modules: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'weir-template-'));
  modules = join(root, 'node_modules');
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Fills a directory with `files` files, and with others that do not belong to the template. */
const filling =
  (files: number, text = 'x') =>
  async (scratch: string): Promise<string> => {
    const content = join(scratch, 'content');
    await mkdir(join(content, 'deep', 'er'), { recursive: true, mode: 0o700 });
    await writeFile(join(scratch, 'scratch.lock'), '');
    for (let i = 0; i < files; i++) await writeFile(join(content, 'deep', `f${i}`), text, { mode: 0o600 });
    await symlink('../deep/f0', join(content, 'deep', 'link'));
    return content;
  };

const make = (kind: TemplateKind, files = 3, text = 'x') =>
  makeTemplate(kind, { modules, fill: filling(files, text) });

test('a template is found from a directory below, for the versions it was made from', async () => {
  expect(findTemplate(V1, root)).toBeUndefined();
  expect(await make(V1)).toBe(true);
  const below = join(root, 'packages', 'store', 'dist');
  expect(findTemplate(V1, below)).toBe(join(modules, '.cache', 'weir', templateName(V1)));
  expect(findTemplate(V2, below)).toBeUndefined();
  expect(findTemplate({ ...V1, name: 'other' }, below)).toBeUndefined();
});

test('a template is created once for the same versions, and replaces those of others', async () => {
  await make(V1);
  expect(await make(V1)).toBe(false);
  await make({ ...V1, name: 'other' });
  expect(await make(V2)).toBe(true);
  expect(findTemplate(V1, root)).toBeUndefined();
  expect((await readdir(join(modules, '.cache', 'weir'))).sort()).toEqual(
    [templateName({ ...V1, name: 'other' }), templateName(V2)].sort(),
  );
});

test('two concurrent builds leave one complete template', async () => {
  const made = await Promise.all([make(V1, 50, 'a'), make(V1, 50, 'b')]);
  expect(made.sort()).toEqual([false, true]);
  const template = findTemplate(V1, root) ?? '';
  const texts = new Set<string>();
  for (let i = 0; i < 50; i++) texts.add(await readFile(join(template, 'deep', `f${i}`), 'utf8'));
  expect(texts.size).toBe(1);
  expect(await readdir(join(modules, '.cache', 'weir'))).toEqual([templateName(V1)]);
});

test('a template that could not be filled leaves no files', async () => {
  const fill = async (scratch: string): Promise<string> => {
    await filling(2)(scratch);
    throw new Error('no engine here');
  };
  await expect(makeTemplate(V1, { modules, fill })).rejects.toThrow('no engine here');
  expect(await readdir(join(modules, '.cache', 'weir'))).toEqual([]);
});

test('the copy is equal and only accessible by its owner, the template readable by every user', async () => {
  await make(V1);
  const template = findTemplate(V1, root) ?? '';
  const target = join(root, 'data');
  await copyTemplate(template, target);
  expect(await readdir(target, { recursive: true })).toEqual(await readdir(template, { recursive: true }));
  expect(await readFile(join(target, 'deep', 'f2'), 'utf8')).toBe('x');
  expect(await readlink(join(target, 'deep', 'link'))).toBe('../deep/f0');
  const mode = async (...path: string[]) => (await stat(join(...path))).mode & 0o777;
  expect([await mode(target), await mode(target, 'deep'), await mode(target, 'deep', 'f1')]).toEqual([
    0o700, 0o700, 0o600,
  ]);
  expect([await mode(template), await mode(template, 'deep'), await mode(template, 'deep', 'f1')]).toEqual([
    0o755, 0o755, 0o644,
  ]);
});

test('a process killed during a copy leaves no copy, and the next one completes it', async () => {
  await make(V1, 1_500);
  const template = findTemplate(V1, root) ?? '';
  const target = join(root, 'data');
  const script = `
    import { copyTemplate } from '@weir/base/node';
    await copyTemplate(process.argv[1], process.argv[2]);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, template, target], {
    cwd: import.meta.dirname,
    stdio: 'inherit',
  });
  const ended = once(child, 'exit');
  await vi.waitUntil(() => existsSync(join(`${target}.new`, 'deep')), { timeout: 20_000, interval: 1 });
  child.kill('SIGKILL');
  await ended;
  expect(child.signalCode).toBe('SIGKILL');
  expect(existsSync(target)).toBe(false);
  await copyTemplate(template, target);
  expect(await readdir(join(target, 'deep'))).toHaveLength(1_502);
  expect(existsSync(`${target}.new`)).toBe(false);
});

test('a copy of a missing template fails and leaves no files', async () => {
  await expect(copyTemplate(join(root, 'gone'), join(root, 'data'))).rejects.toMatchObject({
    code: 'ENOENT',
  });
  expect(await readdir(root)).toEqual([]);
});

test('the version of an installed package is read, also of one that does not export its package.json', () => {
  expect(installedVersion('vitest', import.meta.url)).toMatch(/^4\./);
  expect(() => installedVersion('no-such-package', import.meta.url)).toThrow('no-such-package');
});
