/** Limits how much of a result a model receives: its context is small, and one stored value may be large. */
import { dataLine } from './untrusted.js';

/** Maximum characters of one value; a longer one is cut, with a mark at the cut. */
export const MAX_CELL_CHARACTERS = 500;
/** Maximum bytes of all items of one result, in its text and its structured content together. */
export const MAX_RESULT_BYTES = 100_000;

/** The items that fit. */
export interface Excerpt<T> {
  readonly items: T[];
  /** The items as lines of JSON. */
  readonly lines: readonly string[];
  /** Number of values that were cut. */
  readonly cutCells: number;
  /** Total number of items. */
  readonly of: number;
}

/** A value, and whether it was cut. */
export interface Cell {
  readonly value: unknown;
  readonly isCut: boolean;
}

/** The first rows that fit, with long values cut. */
export function excerptRows(
  rows: readonly (readonly unknown[])[],
  maxBytes = MAX_RESULT_BYTES,
): Excerpt<unknown[]> {
  return excerpt(rows, maxBytes, (row) => {
    const cells = row.map(cutCell);
    return { item: cells.map(({ value }) => value), cut: cells.filter(({ isCut }) => isCut).length };
  });
}

/** The first items that fit, unchanged. */
export function excerptItems<T>(items: readonly T[], maxBytes = MAX_RESULT_BYTES): Excerpt<T> {
  return excerpt(items, maxBytes, (item) => ({ item, cut: 0 }));
}

/** Cuts a value to {@link MAX_CELL_CHARACTERS} plus the mark. A long value that is not a string becomes cut JSON. */
export function cutCell(value: unknown): Cell {
  if (typeof value === 'string') return cutText(value);
  if (typeof value !== 'object' || value === null) return { value, isCut: false };
  const whole = JSON.stringify(value);
  return whole.length <= MAX_CELL_CHARACTERS ? { value, isCut: false } : cutText(whole);
}

function cutText(text: string): Cell {
  if (text.length <= MAX_CELL_CHARACTERS) return { value: text, isCut: false };
  const last = text.charCodeAt(MAX_CELL_CHARACTERS - 1);
  const isHalf = last >= 0xd800 && last < 0xdc00;
  const end = isHalf ? MAX_CELL_CHARACTERS - 1 : MAX_CELL_CHARACTERS;
  return { value: `${text.slice(0, end)}… [cut: ${text.length - end} more characters]`, isCut: true };
}

function excerpt<From, To>(
  all: readonly From[],
  maxBytes: number,
  shorten: (one: From) => { readonly item: To; readonly cut: number },
): Excerpt<To> {
  const items: To[] = [];
  const lines: string[] = [];
  let cutCells = 0;
  let bytes = 0;
  for (const one of all) {
    const { item, cut } = shorten(one);
    const line = dataLine(item);
    // The item is in the result twice: in its text and in its structured content.
    bytes += Buffer.byteLength(line) + Buffer.byteLength(JSON.stringify(item) ?? '') + 2;
    if (bytes > maxBytes) break;
    items.push(item);
    lines.push(line);
    cutCells += cut;
  }
  return { items, lines, cutCells, of: all.length };
}
