import { usageError } from '../cli-error.js';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Parses a duration such as `30s` or `5m` into milliseconds; `0` means none.
 * @param name option or variable, for the error, such as `--timeout`
 * @throws CliError `usage` for another format
 */
export function parseDuration(text: string, name: string): number {
  if (text === '0') return 0;
  const [, digits = '', unit = ''] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (factor === undefined)
    throw usageError(`${name} ${text}: must be a duration`, 'Write it as 500ms, 30s, 5m, 1h or 7d');
  return Number(digits) * factor;
}
