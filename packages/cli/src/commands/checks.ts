import { CliError } from '../cli-error.js';
import type { Check } from '../doctor/check.js';
import { sanitize } from '../output/sanitize.js';
import { sentence } from '../output/sentence.js';

/** Formats checks for people, one per line. */
export function checksText(checks: readonly Check[]): string {
  return checks.map(lineOf).join('\n');
}

/** The failure of the command if a check failed; otherwise undefined. */
export function checksFailed(checks: readonly Check[]): CliError | undefined {
  const failed = checks.filter(({ status }) => status === 'fail').length;
  if (failed === 0) return undefined;
  return new CliError('failed', 'checks_failed', `${failed} of ${checks.length} checks failed`, {
    hint: 'Follow the hints above',
  });
}

function lineOf({ name, status, message, hint }: Check): string {
  const line = `${status.padEnd(4)}  ${name.padEnd(12)}  ${sanitize(message)}`;
  return hint === null ? line : `${line}. ${sentence(hint)}`;
}
