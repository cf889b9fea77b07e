import type { RegisteredKey } from '@weir/event';
import { sanitize, sanitizeLines } from '../output/sanitize.js';
import { formatTable } from '../output/table.js';

/** A key for people: what it is, its params, and the JSON Schema of a line. */
export function keyText(key: RegisteredKey): string {
  const rows = key.params.map((param) => [
    param.name,
    param.type,
    param.required ? 'required' : '',
    param.description,
  ]);
  const params = rows.length === 0 ? '' : `\n${formatTable(['param', 'type', '', 'description'], rows, 120)}`;
  const schema = sanitizeLines(JSON.stringify(key.outputSchema, null, 2));
  return `${sanitize(key.key)}: ${sanitize(key.description ?? key.displayName ?? '')}\n${params}
One line of output, whose own part jq finds at ${key.jqRootPath}:
${schema}`;
}
