import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { smallDisk } from '@weir/base/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeSink } from '../conformance/index.js';
import { give, giveUntilKept, idsOf, record, recordsOf, tryToGive } from '../conformance/records.js';
import { documentOf } from '../records/document.js';
import { FileSink, type FileSinkOptions } from './file-sink.js';
import { idsInFiles } from './testing/ids-in-files.js';
import { quietLogger } from './testing/quiet-logger.js';

const soon = () => AbortSignal.timeout(20_000);

describeSink('file', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'weir-file-'));
  const directory = join(dataDir, 'here');
  await mkdir(directory);
  const path = join(directory, 'u.ndjson');
  return {
    name: 'file',
    exact: true,
    ordered: true,
    open: async () => new FileSink({ path, maxBytes: 2 ** 20, keep: 100, logger: quietLogger }),
    read: () => idsInFiles(path),
    fail: () => rename(directory, join(dataDir, 'away')),
    recover: () => rename(join(dataDir, 'away'), directory),
    destroy: () => rm(dataDir, { recursive: true }),
  };
});

describe('the file sink', () => {
  let dataDir: string;
  let path: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'weir-file-'));
    path = join(dataDir, 'usage', 'usage.ndjson');
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  const open = (options: Partial<FileSinkOptions> = {}) =>
    new FileSink({ path, makeDirectory: true, logger: quietLogger, ...options });
  async function keep(from: number, to: number, options: Partial<FileSinkOptions> = {}): Promise<void> {
    const sink = open(options);
    const given = give(sink, recordsOf(from, to));
    await sink.close(soon());
    await given;
  }

  it('writes documents that only their owner may read', async () => {
    await keep(0, 3);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(
      recordsOf(0, 3).map((event) => JSON.parse(JSON.stringify(documentOf(event)))),
    );
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(path))).mode & 0o777).toBe(0o700);
  });

  it('rotates before a file is too large, and retains a number of files', async () => {
    const options = { maxBytes: 4096, keep: 3 };
    await keep(0, 100, options);
    const names = (await readdir(dirname(path))).sort();
    expect(names).toHaveLength(4);
    for (const name of names) {
      const { size, mode } = await stat(join(dirname(path), name));
      expect(size).toBeLessThanOrEqual(4096);
      expect(mode & 0o777).toBe(0o600);
    }
    const left = await idsInFiles(path);
    expect(left).toEqual(idsOf(recordsOf(100 - left.length, 100)));
    // A record larger than a file gets its own.
    const sink = open(options);
    const large = { ...record(100), rid: 'x'.repeat(10_000) };
    const given = give(sink, [large, record(101)]);
    await sink.close(soon());
    await given;
    expect((await idsInFiles(path)).slice(-2)).toEqual(idsOf([large, record(101)]));
    expect((await readFile(path, 'utf8')).trimEnd().split('\n')).toHaveLength(1);
  });

  it('truncates a line that a crash left, and detects earlier duplicates', async () => {
    await keep(0, 5);
    const torn = JSON.stringify(documentOf(record(5)));
    for (const tail of [torn.slice(0, 100), torn, '\0'.repeat(70_000)]) {
      await appendFile(path, tail);
      await keep(2, 5);
      expect(await idsInFiles(path)).toEqual(idsOf(recordsOf(0, 5)));
    }
    await writeFile(path, torn.slice(0, 20));
    await keep(5, 6);
    expect(await idsInFiles(path)).toEqual(idsOf([record(5)]));
  });

  it('detects duplicates after a crash during a rotation', async () => {
    await keep(0, 5);
    await rename(path, `${path}.0000000007`);
    await keep(0, 7);
    expect(await idsInFiles(path)).toEqual(idsOf(recordsOf(0, 7)));
    await rename(path, `${path}.0000000008`);
    await writeFile(path, '');
    await keep(3, 9, { maxBytes: 1 });
    expect(await idsInFiles(path)).toEqual(idsOf(recordsOf(0, 9)));
    expect((await readdir(dirname(path))).sort()).toContain('usage.ndjson.0000000009');
  });

  it('stores the records of another log from their start', async () => {
    await keep(0, 5);
    const sink = open();
    const other = { ...record(0), logId: 'another', id: 'first of another' };
    const given = give(sink, [other]);
    await sink.close(soon());
    await given;
    expect(await idsInFiles(path)).toEqual([...idsOf(recordsOf(0, 5)), 'first of another']);
  });

  it('continues in a new file when its file was moved', async () => {
    const sink = open();
    await give(sink, recordsOf(0, 5));
    await rename(path, `${path}.moved`);
    await give(sink, recordsOf(3, 8));
    await sink.close(soon());
    expect(await idsInFiles(path)).toEqual(idsOf(recordsOf(5, 8)));
  });

  it('does not touch a file with other content', async () => {
    await mkdir(dirname(path));
    for (const text of ['a text\nof others\n', 'a text of others', '{"a":1}\n', '[1]\n']) {
      await writeFile(path, text);
      const sink = open();
      await expect(give(sink, [record(1)])).rejects.toThrow('does not end with a usage record');
      await sink.close(soon());
      expect(await readFile(path, 'utf8')).toBe(text);
    }
  });
});

it('rejects records while the disk is full, and stores each once when there is room', async () => {
  const disk = await smallDisk(2);
  try {
    const path = join(disk.path, 'usage', 'usage.ndjson');
    const sink = new FileSink({ path, makeDirectory: true, maxBytes: 256 * 1024, logger: quietLogger });
    await give(sink, recordsOf(0, 100));
    const { bavail, bsize } = await statfs(disk.path);
    await writeFile(join(disk.path, 'filler'), Buffer.alloc(bavail * bsize - 300 * 1024));
    const events = recordsOf(0, 3_000);
    const kept = 100 + (await tryToGive(sink, events.slice(100)));
    expect(kept).toBe(100);
    // A part was stored before the disk was full, and must not be stored again.
    expect((await readdir(dirname(path))).length).toBeGreaterThan(1);
    await expect(give(sink, events.slice(kept))).rejects.toMatchObject({ code: 'ENOSPC' });
    await rm(join(disk.path, 'filler'));
    await giveUntilKept(sink, events.slice(kept));
    await sink.close(soon());
    expect(await idsInFiles(path)).toEqual(idsOf(events));
  } finally {
    await disk.remove();
  }
});
