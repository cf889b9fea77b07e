import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { smallDisk } from '../testing/index.js';
import { readAhead, type SpoolSpace } from './read-ahead.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-spool-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const ITEM = 10_000;
/** Distinct items, so that a wrong order is visible. */
const item = (i: number): Uint8Array => new Uint8Array(ITEM).fill(i % 251);

/** A source of `count` items that reports its progress and its end. */
function source(count: number, failure?: Error) {
  const state = { given: 0, ended: false };
  async function* items(): AsyncGenerator<Uint8Array> {
    try {
      for (; state.given < count; ) {
        yield item(state.given);
        state.given += 1;
      }
      if (failure !== undefined) throw failure;
    } finally {
      state.ended = true;
    }
  }
  return Object.assign(state, { items: items() });
}

/** Room for `max` bytes that records the maximum use. */
function space(max: number): SpoolSpace & { used: number; most: number } {
  const room = {
    used: 0,
    most: 0,
    reserve(bytes: number): boolean {
      if (room.used + bytes > max) return false;
      room.used += bytes;
      room.most = Math.max(room.most, room.used);
      return true;
    },
    release(bytes: number): void {
      room.used -= bytes;
    },
  };
  return room;
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await delay(5);
}

async function bytesOf(reading: AsyncIterable<Uint8Array>, pause = 0): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of reading) {
    parts.push(part);
    if (pause > 0) await delay(pause);
  }
  return Buffer.concat(parts);
}

const whole = (count: number): Buffer => Buffer.concat(Array.from({ length: count }, (_, i) => item(i)));

test('a source ends although its reader has read one item, and the reader gets every byte in order later', async () => {
  const from = source(200);
  const room = space(10_000_000);
  const reading = readAhead(from.items, { directory, space: room, windowBytes: 50_000, patienceMs: 20 });
  const first = await reading.next();
  await until(() => from.ended);
  expect(room.used).toBeGreaterThan(1_500_000);
  // The file has no name, so a crash leaves no file.
  expect(readdirSync(directory)).toEqual([]);
  const rest = await bytesOf(reading);
  expect(Buffer.concat([first.value ?? new Uint8Array(), rest]).equals(whole(200))).toBe(true);
  await until(() => room.used === 0);
});

test('a reader that keeps up causes no file', async () => {
  const room = space(10_000_000);
  const got = await bytesOf(readAhead(source(500).items, { directory, space: room, windowBytes: 50_000 }));
  expect(got.equals(whole(500))).toBe(true);
  expect(room.most).toBe(0);
});

test('the file is emptied and used again when the reader has caught up', async () => {
  const room = space(1_000_000);
  let read = 0;
  async function* inBursts(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 240; i += 1) {
      // Everything spooled was read: only an emptied file has room for the next burst.
      if (i % 60 === 0) await until(() => read >= i * ITEM);
      yield item(i);
    }
  }
  const got: Uint8Array[] = [];
  for await (const part of readAhead(inBursts(), {
    directory,
    space: room,
    windowBytes: 20_000,
    patienceMs: 0,
    fullPatienceMs: 0,
  })) {
    got.push(part);
    read += part.length;
    await delay(1);
  }
  expect(Buffer.concat(got).equals(whole(240))).toBe(true);
  expect(room.most).toBeGreaterThan(0);
});

test('the reader gets an error of the source after all bytes before it', async () => {
  const reading = readAhead(source(100, new Error('the engine failed')).items, {
    directory,
    windowBytes: 20_000,
    patienceMs: 0,
  });
  const got: Uint8Array[] = [];
  const read = async (): Promise<void> => {
    for await (const part of reading) {
      got.push(part);
      await delay(1);
    }
  };
  await expect(read()).rejects.toThrow('the engine failed');
  expect(Buffer.concat(got).equals(whole(100))).toBe(true);
});

test('without room on disk a source waits for a reader that continues, and ends for one that does not', async () => {
  const options = {
    directory,
    space: space(100_000),
    windowBytes: 20_000,
    patienceMs: 0,
    fullPatienceMs: 2_000,
  };
  const got = await bytesOf(readAhead(source(60).items, options), 1);
  expect(got.equals(whole(60))).toBe(true);

  const from = source(60);
  const reading = readAhead(from.items, { ...options, fullPatienceMs: 30 });
  await reading.next();
  await until(() => from.ended);
  expect(from.given).toBeLessThan(20);
  await expect(bytesOf(reading)).rejects.toMatchObject({ code: 'spool_full' });
  await until(() => options.space.used === 0);
});

test('a source waits for its reader whenever the window is full', async () => {
  const from = source(Number.POSITIVE_INFINITY);
  const options = { directory, windowBytes: 50_000, patienceMs: 60_000 };
  const reading = readAhead(from.items, options);
  for (let taken = 1; taken < 20; taken += 1) {
    await reading.next();
    // Four items fit into the window, with their overhead, and the source holds one more.
    await until(() => from.given >= taken + 4);
    await new Promise(setImmediate);
    expect(from.given).toBe(taken + 4);
  }
  await reading.return();
});

test('on a full disk a reader gets every byte in order, and the file is used again after it has caught up', async () => {
  const disk = await smallDisk(1);
  try {
    const count = 600;
    const options = { directory: disk.path, windowBytes: 20_000, patienceMs: 0 };
    const got = await bytesOf(readAhead(source(count).items, options), 1);
    expect(got.equals(whole(count))).toBe(true);
  } finally {
    await disk.remove();
  }
});

test('a reader that leaves ends the source and returns the room', async () => {
  const room = space(10_000_000);
  const from = source(Number.POSITIVE_INFINITY);
  const reading = readAhead(from.items, { directory, space: room, windowBytes: 20_000, patienceMs: 0 });
  await reading.next();
  await until(() => room.used > 100_000);
  await reading.return();
  await until(() => from.ended && room.used === 0);
});

test('a directory that does not exist fails the answer, not the process', async () => {
  const reading = readAhead(source(60).items, {
    directory: join(directory, 'none'),
    windowBytes: 20_000,
    patienceMs: 0,
  });
  await reading.next();
  await expect(bytesOf(reading, 1)).rejects.toMatchObject({ code: 'ENOENT' });
});
