/** Parsers of numeric options. Each throws a usage error that names the option. */
import { usageError } from '../cli-error.js';

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** A number ≥ 0, with or without a fraction. */
export function number(option: string, text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw usageError(`${option} ${text}: must be a number from 0`);
}

/** An integer ≥ 0. */
export function wholeNumber(option: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw usageError(`${option} ${text}: must be a whole number from 0`);
}

/** A number of bytes, or a size such as `64KiB`. */
export function size(option: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (digits !== '' && factor !== undefined) return Math.round(Number(digits) * factor);
  throw usageError(`${option} ${text}: must be bytes, or a size such as 64KiB, 1.5MiB or 1GiB`);
}
