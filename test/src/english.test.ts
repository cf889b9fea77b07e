/** The text of the code keeps to plain technical English, see CONTRIBUTING.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Generic subjects, which leave open who acts: a reader has to know the code to understand the sentence. */
const GENERIC = /\b(?:nobody|somebody|whoever|who)\b/gi;
const LIMIT = 40;

/** The comments of TypeScript, and all of Markdown. */
function textOf(path: string): string {
  const text = readFileSync(path, 'utf8');
  if (path.endsWith('.md')) return text;
  return (text.match(/^\s*\/?\*.*$|\/\/.*$/gm) ?? []).join('\n');
}

function sources(): string[] {
  const places = ['packages', 'test/src', 'bench/src', 'examples', 'docs', 'README.md', 'CONTRIBUTING.md'];
  return places.flatMap((place) =>
    place.endsWith('.md')
      ? [place]
      : readdirSync(join(ROOT, place), { recursive: true, encoding: 'utf8' })
          .filter((path) => /\.(?:ts|tsx|md)$/.test(path) && !/(?:^|\/)(?:node_modules|dist)\//.test(path))
          .map((path) => join(place, path)),
  );
}

test(`comments and docs have at most ${LIMIT} generic subjects`, () => {
  const found = sources().flatMap((path) => {
    const count = textOf(join(ROOT, path)).match(GENERIC)?.length ?? 0;
    return count === 0 ? [] : [`${path}: ${count}`];
  });
  const total = found.reduce((sum, line) => sum + Number(line.split(': ')[1]), 0);
  expect(total, `name the actor instead, in:\n${found.join('\n')}`).toBeLessThanOrEqual(LIMIT);
});
