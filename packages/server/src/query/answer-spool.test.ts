import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AnswerSpool } from './answer-spool.js';

let dataDir: string;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'weir-answers-'));
});
afterAll(() => {
  rmSync(dataDir, { recursive: true });
});

test('the directory is empty and private after a start, also after a crash', () => {
  const first = new AnswerSpool(dataDir, { bytes: 1, projectBytes: 1 });
  writeFileSync(join(first.directory, 'left.spool'), 'x');
  const { directory } = new AnswerSpool(dataDir, { bytes: 1, projectBytes: 1 });
  expect(readdirSync(directory)).toEqual([]);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
});

test('a project has 64 open answers, and the 65th is rejected until one is closed', () => {
  const spool = new AnswerSpool(dataDir, { bytes: 1, projectBytes: 1 });
  const closes = Array.from({ length: 64 }, () => spool.open('a'));
  const refusal = { code: 'at_capacity', facts: { limit: 64 }, retryAfterMs: 1_000 };
  expect(() => spool.open('a')).toThrow(expect.objectContaining(refusal));
  spool.open('b');
  closes[0]?.();
  closes[0]?.();
  spool.open('a');
  expect(() => spool.open('a')).toThrow(expect.objectContaining(refusal));
  expect(spool.answers).toBe(65);
});

test('all projects together have 512 open answers, and a project without one gets its first', () => {
  const spool = new AnswerSpool(dataDir, { bytes: 1, projectBytes: 1 });
  for (let i = 0; i < 512; i += 1) spool.open(`p${i % 16}`);
  expect(() => spool.open('p0')).toThrow(expect.objectContaining({ code: 'at_capacity' }));
  spool.open('late');
  expect(() => spool.open('late')).toThrow(expect.objectContaining({ code: 'at_capacity' }));
});

test('disk space is limited for each project and for all, and released', () => {
  const spool = new AnswerSpool(dataDir, { bytes: 150, projectBytes: 100 });
  const [a, b] = [spool.space('a'), spool.space('b')];
  expect([a.reserve(60), a.reserve(41), a.reserve(40), b.reserve(51), b.reserve(50)]).toEqual([
    true,
    false,
    true,
    false,
    true,
  ]);
  expect(spool.bytes).toBe(150);
  a.release(60);
  expect([spool.bytes, b.reserve(50), a.reserve(10)]).toEqual([90, true, true]);
});

test('no answer uses the last bytes of a disk', () => {
  const limits = { bytes: 100, projectBytes: 100, freeBytes: Number.MAX_SAFE_INTEGER };
  expect(new AnswerSpool(dataDir, limits).space('a').reserve(1)).toBe(false);
});
