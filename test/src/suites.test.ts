/** No test leaves CI unnoticed: every test file is run by exactly one of the commands. */
import { execFile } from 'node:child_process';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

async function filesOf(config: string): Promise<string[]> {
  const arguments_ = ['node_modules/vitest/vitest.mjs', 'list', '--filesOnly', '--json', '--config', config];
  const { stdout } = await run(process.execPath, arguments_, { cwd: ROOT, maxBuffer: 2 ** 24 });
  const files = JSON.parse(stdout) as readonly { readonly file: string }[];
  return files.map(({ file }) => relative(ROOT, file));
}

test('every test file belongs to one of npm test, test:faults, test:attacks and test:soak', async () => {
  const configs = ['vitest', 'test/faults', 'test/attacks', 'test/soak'].map((name) => `${name}.config.ts`);
  const listed = (await Promise.all(configs.map(filesOf))).flat().sort();
  const { stdout } = await run('find', ['packages', 'test', 'bench', 'examples', '-name', '*.test.ts'], {
    cwd: ROOT,
  });
  const present = stdout
    .split('\n')
    .filter((file) => file !== '' && !/(^|\/)(node_modules|dist)\//.test(file))
    .sort();
  expect(present.length).toBeGreaterThan(150);
  expect(listed).toEqual(present);
});
