/**
 * Runs the longest test files first, so that no worker is left alone with a long one at the end. The order comes from
 * test/durations.json, which `npm run test:durations` rewrites; a clean checkout has no timings of its own.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// The cast holds: the file is ours.
const seconds = JSON.parse(readFileSync(new URL('durations.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, number>
>;

/** A file without a timing is new: it may be long. */
const UNKNOWN_S = 20;

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const length = ({ moduleId, project }: TestSpecification): number =>
      seconds[relative(project.config.root, moduleId)] ?? UNKNOWN_S;
    // Files that share a process follow one another: Vitest keeps it only for one that comes next.
    const isShared = ({ project }: TestSpecification): number => (project.config.isolate ? 0 : 1);
    return files.toSorted((a, b) => isShared(a) - isShared(b) || length(b) - length(a));
  }
}
