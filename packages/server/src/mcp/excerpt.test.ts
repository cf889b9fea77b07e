import { describe, expect, it } from 'vitest';
import { cutCell, excerptItems, excerptRows, MAX_CELL_CHARACTERS, MAX_RESULT_BYTES } from './excerpt.js';

describe('a value', () => {
  it('is unchanged up to the limit', () => {
    const text = 'x'.repeat(MAX_CELL_CHARACTERS);
    expect(cutCell(text)).toEqual({ value: text, isCut: false });
    expect(cutCell(['a', { b: 1 }])).toEqual({ value: ['a', { b: 1 }], isCut: false });
    expect(cutCell(null)).toEqual({ value: null, isCut: false });
  });

  it('is marked where it was cut, with the number of missing characters', () => {
    const { value, isCut } = cutCell('x'.repeat(MAX_CELL_CHARACTERS + 7));
    expect(isCut).toBe(true);
    expect(value).toBe(`${'x'.repeat(MAX_CELL_CHARACTERS)}… [cut: 7 more characters]`);
  });

  it('is never cut in the middle of a character', () => {
    const { value } = cutCell(`${'x'.repeat(MAX_CELL_CHARACTERS - 1)}😀😀`);
    expect(value).toBe(`${'x'.repeat(MAX_CELL_CHARACTERS - 1)}… [cut: 4 more characters]`);
  });

  it('becomes cut JSON where it is a large array or map', () => {
    const { value, isCut } = cutCell(Array.from({ length: 1_000 }, (_, i) => i));
    expect(isCut).toBe(true);
    expect(value).toMatch(/^\[0,1,2,.*… \[cut: \d+ more characters\]$/);
  });
});

describe('rows', () => {
  it('are those that fit, in bytes rather than characters', () => {
    const rows = Array.from({ length: 1_000 }, () => ['ä'.repeat(400)]);
    const { items, lines, of, cutCells } = excerptRows(rows);
    expect(of).toBe(1_000);
    expect(items).toHaveLength(lines.length);
    // The size of a result: the lines in its text, and the items in its structured content.
    const bytes = Buffer.byteLength(lines.join('\n')) + Buffer.byteLength(JSON.stringify(items));
    expect(bytes).toBeLessThanOrEqual(MAX_RESULT_BYTES);
    expect(bytes).toBeGreaterThan(MAX_RESULT_BYTES - 1_000);
    expect(cutCells).toBe(0);
  });

  it('count the cut values in the returned rows', () => {
    const long = 'x'.repeat(MAX_CELL_CHARACTERS * 2);
    expect(excerptRows([[long, 1, long], ['short']]).cutCells).toBe(2);
  });

  it('are empty if the first alone is too large', () => {
    const row = Array.from({ length: 200 }, () => 'x'.repeat(MAX_CELL_CHARACTERS));
    expect(excerptRows([row, ['small']])).toMatchObject({ items: [], of: 2 });
  });
});

it('leaves items unchanged', () => {
  const item = { event: 'x'.repeat(MAX_CELL_CHARACTERS * 2) };
  expect(excerptItems([item]).items).toEqual([item]);
});
