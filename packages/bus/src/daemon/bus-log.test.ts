import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openBusLog } from './bus-log.js';

let directory = '';
afterEach(async () => await rm(directory, { recursive: true }));

test('a full log is rotated while it is written, without losing a line', async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-bus-log-'));
  const { logger, close } = openBusLog(join(directory, 'bus.log'));
  const text = 'x'.repeat(1_000);
  for (let n = 0; n < 2_500; n += 1) {
    logger.info({ n }, text);
    // Yield now and then, as a bus does, so that the stream can write.
    if (n % 100 === 0) await new Promise(setImmediate);
  }
  await close();
  const names = (await readdir(directory)).sort();
  expect(names).toEqual(['bus.log', 'bus.log.1', 'bus.log.2']);
  const found: number[] = [];
  for (const name of ['bus.log.2', 'bus.log.1', 'bus.log']) {
    const path = join(directory, name);
    const { size, mode } = await stat(path);
    expect(size).toBeLessThan(1_300_000);
    expect(mode & 0o777).toBe(0o600);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    found.push(...lines.map((line) => (JSON.parse(line) as { n: number }).n));
  }
  expect(found).toEqual(Array.from({ length: 2_500 }, (_, n) => n));
});
