import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readLines } from './lines.js';

const MAX = 8;

async function read(chunks: readonly Buffer[]): Promise<[number, string | null][]> {
  const found: [number, string | null][] = [];
  const source = (async function* () {
    yield* chunks;
  })();
  for await (const lines of readLines(source, MAX)) {
    for (const { number, bytes } of lines)
      found.push([number, bytes === null ? null : bytes.toString('latin1')]);
  }
  return found;
}

it('reads the same lines for any split of the bytes', async () => {
  const character = fc.constantFrom('a', 'b', ' ', '\r', '\n', '\n');
  await fc.assert(
    fc.asyncProperty(
      fc.array(character, { maxLength: 60 }).map((all) => all.join('')),
      fc.array(fc.nat(60), { maxLength: 6 }),
      async (text, cuts) => {
        const edges = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length];
        const chunks = edges.slice(1).map((end, i) => Buffer.from(text.slice(edges[i], end)));
        const expected = text
          .split('\n')
          .map((line, i): [number, string] => [i + 1, line.replace(/\r$/, '')])
          .filter(([, line]) => /[^ \t\r]/.test(line) || line.length > MAX)
          .map(([number, line]): [number, string | null] => [number, line.length > MAX ? null : line]);
        expect(await read(chunks)).toEqual(expected);
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

it('discards a line that never ends instead of buffering it', async () => {
  let alive = 0;
  const source = (async function* () {
    for (let i = 0; i < 2_000; i += 1) {
      yield Buffer.alloc(64 * 1024, 'x');
      alive = Math.max(alive, process.memoryUsage().arrayBuffers);
    }
    yield Buffer.from('\nok\n');
  })();
  const before = process.memoryUsage().arrayBuffers;
  const found = [];
  for await (const lines of readLines(source, 1024)) found.push(...lines);
  expect(found.map(({ number, bytes }) => [number, bytes?.toString() ?? null])).toEqual([
    [1, null],
    [2, 'ok'],
  ]);
  expect(alive - before).toBeLessThan(96 * 2 ** 20);
});
