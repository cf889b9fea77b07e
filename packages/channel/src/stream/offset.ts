/**
 * Offsets as clients see them: 16 decimal digits for the number of appends before the place, and 16 for the generation
 * of the stream that stored the last of them. Text order equals the order of places. A stream that is deleted and
 * created again has another generation, so offsets of the earlier stream are detected.
 */
import { StreamError } from './stream-error.js';

/** An offset, parsed. */
export interface ParsedOffset {
  readonly index: number;
  readonly generation: number;
}

const DIGITS = 16;
const FORMAT = /^(\d{16})_(\d{16})$/;

export function encodeOffset({ index, generation }: ParsedOffset): string {
  return `${padded(index)}_${padded(index === 0 ? 0 : generation)}`;
}

/** @throws StreamError `invalid_offset` */
export function parseOffset(text: string): ParsedOffset {
  const match = FORMAT.exec(text);
  if (match === null) {
    throw new StreamError('invalid_offset', `${JSON.stringify(text.slice(0, 100))} is not an offset`);
  }
  return { index: Number(match[1]), generation: Number(match[2]) };
}

function padded(value: number): string {
  return String(value).padStart(DIGITS, '0');
}
