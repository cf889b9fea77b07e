/** The README of each package says what its folders are for. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PACKAGES = fileURLToPath(new URL('../../packages', import.meta.url));
/** Folders of tests, which every package may have. */
const OF_TESTS: ReadonlySet<string> = new Set(['testing', 'conformance']);

test.each(readdirSync(PACKAGES))('the README of %s names each folder of its source', (name) => {
  const folder = join(PACKAGES, name);
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  const folders = readdirSync(join(folder, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !OF_TESTS.has(entry.name))
    .map((entry) => entry.name);
  expect(folders.filter((one) => !readme.includes(`${one}/`))).toEqual([]);
  for (const [, one = ''] of readme.matchAll(/^\| `(?:src\/)?([a-z-]+)\/`/gm)) {
    expect(existsSync(join(folder, 'src', one)), `${one}/ exists`).toBe(true);
  }
});
