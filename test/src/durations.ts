/**
 * Writes test/durations.json, the order of test files, from reports of Vitest:
 * `npm run test:durations -- /tmp/test.json /tmp/faults.json`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';

/** The part of Vitest's JSON report that is read. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly startTime: number;
    readonly endTime: number;
  }[];
}

const seconds = new Map<string, number>();
for (const path of process.argv.slice(2)) {
  // The cast holds for what `vitest run --reporter=json` writes.
  const { testResults } = JSON.parse(readFileSync(path, 'utf8')) as Report;
  for (const { name, startTime, endTime } of testResults) {
    seconds.set(relative(process.cwd(), name), Math.round((endTime - startTime) / 1_000));
  }
}
if (seconds.size === 0) throw new Error('usage: npm run test:durations -- REPORT.json…');
const sorted = [...seconds].sort(([a, one], [b, other]) => other - one || a.localeCompare(b));
writeFileSync('test/durations.json', `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
