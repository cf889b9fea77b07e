import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** The native libraries of this repository that a process loads with a module. */
async function nativesOf(module: string): Promise<string[]> {
  const script = `
    await import(${JSON.stringify(module)});
    process.report.excludeNetwork = true;
    console.log(JSON.stringify(process.report.getReport().sharedObjects.filter((o) => o.endsWith('.node'))));
  `;
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: new URL('.', import.meta.url),
  });
  return JSON.parse((await run).stdout);
}

test('a keys file loads no native code, and the dedup filter is available by its own import', async () => {
  for (const module of ['@weir/event', '@weir/event/keys', '@weir/event/source', '@weir/event/consume']) {
    expect(await nativesOf(module), module).toEqual([]);
  }
  expect(await nativesOf('@weir/event/dedup-filter')).not.toEqual([]);
});
