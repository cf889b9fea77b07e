import { appendFile, mkdir, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { payloadText } from '../raw-event.js';
import { FileSource } from './file.js';
import { Follower } from './testing/follower.js';

let directory: string;
let path: string;
const followers: Follower[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-file-'));
  path = join(directory, 'app.log');
});
afterEach(async () => {
  await Promise.all(followers.splice(0).map((follower) => follower.stop()));
  await rm(directory, { recursive: true });
});

function follow(from: string, at = path): Follower {
  const follower = new Follower(new FileSource(at).open(from));
  followers.push(follower);
  return follower;
}

const isConnected = ({ states }: Follower) => states.includes('connected');
const numbers = (follower: Follower) => follower.payloads.map((payload) => (payload as { n: number }).n);
const lines = (...ns: number[]) => ns.map((n) => `{"n":${n}}\n`).join('');

test('a line counts once it is complete, and its payload is an object: its own or one with its text', async () => {
  await writeFile(path, 'old\nhalf');
  const follower = follow('latest');
  await follower.until(isConnected);
  await appendFile(path, ' a line\r\n\n  \n[1]\n{"n":12345678901234567890');
  await follower.until(({ items }) => items.length >= 2);
  await appendFile(path, ',"é":"\u2028"}\nlast');
  await follower.until(({ items }) => items.length >= 3);
  expect(follower.payloads).toEqual([
    { line: 'half a line' },
    { line: '[1]' },
    { n: expect.any(Number), é: '\u2028' },
  ]);
  expect(follower.items.map(({ event }) => payloadText(event)).at(-1)).toContain('12345678901234567890');
  expect(follower.items.map(({ event }) => event)).toMatchObject(
    follower.items.map(({ cursor }) => ({ event_id: cursor, event_type: 'file.line' })),
  );
});

test('resumes from any cursor with exactly the lines after it, for any split of reads and writes', async () => {
  const line = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replace(/[\r\n]/g, ''));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 30 }), fc.nat(), async (texts, at) => {
      await writeFile(path, `first\n${texts.join('\n')}\nlast\n`);
      const wanted = ['first', ...texts.map((text) => Buffer.from(text).toString()), 'last'].filter(
        (t) => t.trim() !== '',
      );
      const all = follow('earliest');
      await all.until(({ items }) => items.length >= wanted.length);
      const index = at % wanted.length;
      const rest = follow(index === 0 ? (all.positions[0] ?? '') : (all.items[index - 1]?.cursor ?? ''));
      await rest.until(({ items }) => items.length >= wanted.length - index);
      expect(rest.items.map(({ cursor }) => cursor)).toEqual(
        all.items.slice(index).map(({ cursor }) => cursor),
      );
      expect(rest.gaps).toEqual([]);
      await Promise.all([all.stop(), rest.stop()]);
    }),
    { numRuns: 25 },
  );
});

test('reads a renamed file to its end, including its last line, then the new one', async () => {
  await writeFile(path, lines(1));
  const follower = follow('earliest');
  await follower.until(({ items }) => items.length === 1);
  await rename(path, `${path}.1`);
  await appendFile(`${path}.1`, `${lines(2)}{"n":3}`);
  await follower.until(({ items }) => items.length === 2);
  await writeFile(path, '');
  await appendFile(`${path}.1`, '\n{"n":4}');
  await follower.until(({ items }) => items.length === 3);
  await appendFile(path, lines(5));
  await follower.until(({ items }) => items.length === 5);
  expect(numbers(follower)).toEqual([1, 2, 3, 4, 5]);
  expect(follower.gaps).toEqual([]);
});

test('resumes after two rotations', async () => {
  await writeFile(path, lines(1, 2));
  const before = follow('earliest');
  await before.until(({ items }) => items.length === 2);
  const [{ cursor = '' } = {}] = before.items;
  await before.stop();
  await rename(path, `${path}.2`);
  await writeFile(`${path}.1`, lines(3, 4));
  await writeFile(path, lines(5));
  const after = follow(cursor);
  await after.until(({ items }) => items.length === 4);
  expect(numbers(after)).toEqual([2, 3, 4, 5]);
  expect(after.gaps).toEqual([]);
});

test('reports a gap if the file of a cursor is gone, even if another has its inode, and restarts', async () => {
  await writeFile(path, lines(1, 2));
  const before = follow('earliest');
  await before.until(({ items }) => items.length === 2);
  await before.stop();
  // Same inode, other content.
  await truncate(path);
  await appendFile(path, lines(7, 8, 9));
  const after = follow(before.lastCursor);
  await after.until(({ items }) => items.length === 3);
  expect(numbers(after)).toEqual([7, 8, 9]);
  expect(after.gaps).toEqual([{ message: expect.stringContaining(path) }]);
});

test.each([
  ['shorter', [7]],
  ['longer than it was', [7, 8, 9, 10]],
])('reports a gap if the file is truncated and rewritten, %s', async (_, anew) => {
  await writeFile(path, lines(1, 2));
  const follower = follow('earliest');
  await follower.until(({ items }) => items.length === 2);
  await writeFile(path, lines(...anew));
  await follower.until(({ gaps, items }) => gaps.length >= 1 && items.length >= 2 + anew.length);
  await appendFile(path, lines(11));
  await follower.until((f) => numbers(f).includes(11));
  expect(numbers(follower)).toEqual([1, 2, ...anew, 11]);
});

test('skips a line above 1 MiB and reports it', async () => {
  await writeFile(
    path,
    `${lines(1)}${'x'.repeat(1_048_577)}\n${lines(2)}{"n":3,"x":"${'y'.repeat(1_000_000)}"}\n`,
  );
  const follower = follow('earliest');
  await follower.until(({ items }) => items.length === 3);
  expect(numbers(follower)).toEqual([1, 2, 3]);
  expect(follower.gaps).toEqual([{ missed: 1, message: expect.stringContaining('1048578 bytes') }]);
});

test('waits for a missing file, and starts at its beginning', async () => {
  const follower = follow('latest');
  await follower.until(isConnected);
  await writeFile(path, lines(1, 2));
  await follower.until(({ items }) => items.length === 2);
  expect(follower.gaps).toEqual([]);
});

test.each<[string, () => Promise<Follower>, object]>([
  ['a place that is none', async () => follow('2026-11-21T00:00:00Z'), { code: 'invalid_cursor' }],
  ['a directory', async () => follow('earliest', directory), { code: 'cannot_read' }],
  ['no directory', async () => follow('earliest', join(directory, 'no', 'file')), { code: 'cannot_read' }],
])('refuses %s', async (_, begin, expected) => {
  const follower = await begin();
  expect(await follower.ended).toMatchObject({
    kind: 'usage',
    hint: expect.any(String),
    ...expected,
  });
});

test('concurrent appends of another process are read once each, in order', async () => {
  await writeFile(path, '');
  const follower = follow('earliest');
  await follower.until(isConnected);
  for (let n = 0; n < 300; n += 1) {
    const text = `{"n":${n}}\n`;
    await appendFile(path, text.slice(0, n % 7));
    await appendFile(path, text.slice(n % 7));
    if (n % 100 === 99) {
      await rename(path, `${path}.1`);
      await writeFile(path, '');
    }
  }
  await follower.until(({ items }) => items.length === 300);
  expect(numbers(follower)).toEqual(Array.from({ length: 300 }, (_, n) => n));
  expect(follower.gaps).toEqual([]);
});

test('for any writes and rotations, each line arrives once and in order', async () => {
  const step = fc.constantFrom('line', 'line', 'half', 'rotate', 'resume');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      await rm(directory, { recursive: true });
      await mkdir(directory);
      await writeFile(path, lines(0));
      const got: number[] = [];
      let follower = follow('earliest');
      await follower.until(({ items }) => items.length === 1);
      let written = 1;
      let rotations = 0;
      for (const what of steps) {
        if (what === 'line') {
          await appendFile(path, lines(written));
          written += 1;
        } else if (what === 'half') {
          await appendFile(path, lines(written).slice(0, 4));
          await appendFile(path, lines(written).slice(4));
          written += 1;
        } else if (what === 'rotate' && rotations < 8) {
          for (let age = rotations; age > 0; age -= 1) await rename(`${path}.${age}`, `${path}.${age + 1}`);
          await rename(path, `${path}.1`);
          await writeFile(path, '');
          rotations += 1;
        } else if (what === 'resume') {
          await follower.stop();
          const cursor = follower.lastCursor || (follower.positions[0] ?? '');
          got.push(...numbers(follower));
          follower = follow(cursor);
          await follower.until(isConnected);
        }
      }
      await follower.until(({ items }) => got.length + items.length >= written);
      expect([...got, ...numbers(follower)]).toEqual(Array.from({ length: written }, (_, n) => n));
      expect(follower.gaps).toEqual([]);
      await follower.stop();
    }),
    { numRuns: 40 },
  );
});
