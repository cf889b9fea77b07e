import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { give, idsOf, recordsOf } from '../conformance/records.js';
import { FileSink } from './file-sink.js';
import { idsInFiles } from './testing/ids-in-files.js';
import { quietLogger } from './testing/quiet-logger.js';

const CHILD = fileURLToPath(new URL('sinks/testing/file-sink-child.js', import.meta.resolve('@weir/usage')));
const ROUNDS = 20;

it(`stores each record once after ${ROUNDS} kills during writes, and all that were reported as stored`, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'weir-file-kill-'));
  const path = join(dataDir, 'usage', 'usage.ndjson');
  let kept = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const child = spawn(process.execPath, [CHILD, dataDir, String(kept)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    // Kill it once it works, at a moment that varies between rounds.
    await Promise.race([once(child.stdout, 'data'), ended]);
    await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 60));
    child.kill('SIGKILL');
    await ended;
    kept = Math.max(kept, ...output.split('\n').map(Number));
    expect(output).not.toBe('');
    // A kill may come between the rename of the full file and the creation of the next.
    expect(readdirSync(dirname(path))).not.toEqual([]);
  }
  const sink = new FileSink({
    path,
    maxBytes: 300 * 1024,
    keep: 1000,
    logger: quietLogger,
  });
  await give(sink, recordsOf(kept, kept + 20_000));
  await sink.close(AbortSignal.timeout(10_000));
  const found = await idsInFiles(path);
  const wanted = idsOf(recordsOf(0, kept + 20_000));
  expect(found.length).toBe(wanted.length);
  expect(found).toEqual(wanted);
  await rm(dataDir, { recursive: true });
});
