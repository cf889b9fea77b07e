import { sanitize } from './sanitize.js';

const GAP = '  ';

export interface Column {
  readonly name: string;
  /** True to align cells to the right, as for numbers. */
  readonly isNumeric?: boolean;
}

/**
 * Formats rows as an aligned table with a header.
 * @param maxCell maximum number of characters shown per cell
 */
export function formatTable(
  columns: readonly (Column | string)[],
  rows: readonly (readonly unknown[])[],
  maxCell = 80,
): string {
  const header = columns.map((column) => sanitize(typeof column === 'string' ? column : column.name));
  const isNumeric = columns.map((column) => typeof column !== 'string' && column.isNumeric === true);
  const cells = rows.map((row) => header.map((_, i) => cellText(row[i], maxCell)));
  const widths = header.map((name, i) =>
    cells.reduce((width, row) => Math.max(width, [...(row[i] ?? '')].length), name.length),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => pad(cell, widths[i] ?? 0, isNumeric[i] === true))
      .join(GAP)
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width));
  return [line(header), line(rule), ...cells.map(line)].map((text) => `${text}\n`).join('');
}

function cellText(value: unknown, max: number): string {
  const text =
    value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  const characters = [...sanitize(text)];
  return characters.length <= max ? characters.join('') : `${characters.slice(0, max - 1).join('')}…`;
}

function pad(text: string, width: number, toTheRight: boolean): string {
  const space = ' '.repeat(Math.max(0, width - [...text].length));
  return toTheRight ? space + text : text + space;
}
