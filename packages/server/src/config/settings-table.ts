/**
 * Generates the table of settings in docs/self-host.md from the schema. As a program (`npm run docs`) it writes the
 * table into the page; a test fails if the page differs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { settings } from './schema.js';

/** The path of the page, valid from both `src` and `dist`. */
export const PAGE = fileURLToPath(new URL('../../../../docs/self-host.md', import.meta.url));

const BEGIN = '<!-- settings: made by `npm run docs` -->';
const END = '<!-- /settings -->';

/** The text of the page with the current table. */
export function withSettingsTable(page: string): string {
  const before = page.slice(0, page.indexOf(BEGIN) + BEGIN.length);
  return `${before}\n${table()}\n${page.slice(page.indexOf(END))}`;
}

function table(): string {
  const rows = settings().map(
    ({ name, default: preset, description, secret }) =>
      `| \`${name}\` | ${preset === null || preset === '' ? '' : `\`${preset}\``} | ${description}${secret ? ' (secret)' : ''} |`,
  );
  return ['| variable | default | |', '|---|---|---|', ...rows].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PAGE, withSettingsTable(readFileSync(PAGE, 'utf8')));
}
