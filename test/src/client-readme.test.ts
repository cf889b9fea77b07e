import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { blocksOf } from './docs/page.js';
import { sharedWeir } from './harness/shared-weir.js';

const run = promisify(execFile);
const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url));
/** Within the checkout, so that the program finds the packages. */
const parent = join(CHECKOUT, 'test/dist');
mkdirSync(parent, { recursive: true });
const home = mkdtempSync(join(parent, 'readme-'));

afterAll(() => rmSync(home, { recursive: true, force: true }));

test('the examples of the client compile, run, and print what the page says', async () => {
  const page = readFileSync(join(CHECKOUT, 'packages/client/README.md'), 'utf8');
  const blocks = blocksOf(page).filter(({ language }) => language === 'ts');
  const program = blocks.map(({ text }) => text).join('\n');
  const shown = [...program.matchAll(/\/\/ prints (.*)$/gm)].map(([, text]) => text);
  expect(shown.length).toBeGreaterThan(5);
  writeFileSync(join(home, 'package.json'), '{"type":"module"}');
  writeFileSync(join(home, 'program.ts'), program);
  const tsconfig = {
    extends: '../../../tsconfig.base.json',
    compilerOptions: { composite: false, customConditions: [], rootDir: '.', outDir: 'out' },
    files: ['program.ts'],
  };
  writeFileSync(join(home, 'tsconfig.json'), JSON.stringify(tsconfig));
  await run(process.execPath, [join(CHECKOUT, 'node_modules/typescript/bin/tsc'), '-p', home]).catch(
    (error: { readonly stdout: string }) => expect.fail(`it does not compile:\n${error.stdout}`),
  );
  const { url, key, token } = await sharedWeir();
  const env = { ...process.env, WEIR_SERVER: url, WEIR_KEY: key, WEIR_TOKEN: token };
  const { stdout } = await run(process.execPath, [join(home, 'out/program.js')], { env, timeout: 60_000 });
  expect(stdout.trim().split('\n')).toEqual(shown);
});
