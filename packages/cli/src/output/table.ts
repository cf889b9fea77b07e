import { sanitize } from './sanitize.js';

const GAP = '  ';

/**
 * Rows as aligned text, a line each, with a header; numbers to the right.
 * @param maxCell characters of a cell that are shown
 */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly unknown[])[],
  maxCell = 80,
): string {
  const cells = rows.map((row) => header.map((_, i) => cellText(row[i], maxCell)));
  const widths = header.map((name, i) =>
    Math.max(sanitize(name).length, ...cells.map((row) => [...(row[i] ?? '')].length)),
  );
  const isNumeric = header.map(
    (_, i) => rows.length > 0 && rows.every((row) => row[i] === null || typeof row[i] === 'number'),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => pad(cell, widths[i] ?? 0, isNumeric[i] === true))
      .join(GAP)
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width));
  return [line(header.map(sanitize)), line(rule), ...cells.map(line)].map((text) => `${text}\n`).join('');
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
