import type { RegisteredKey } from '@weir/event';
import { sanitize, sanitizeLines } from '../output/sanitize.js';
import { formatTable } from '../output/table.js';

/** Formats a key for people: description, params, identities, and the JSON Schema of a line. */
export function keyText(key: RegisteredKey): string {
  const { params = [] } = key.toJSON();
  const rows = params.map((param) => [
    param.name,
    param.type,
    param.required ? 'required' : (param.default ?? ''),
    param.subscription_key === true ? 'yes' : '',
    param.description,
  ]);
  const columns = ['param', 'type', 'default', 'subscription', 'description'];
  const table = rows.length === 0 ? '' : `\n${formatTable(columns, rows, 120)}`;
  const schema = sanitizeLines(JSON.stringify(key.outputSchema, null, 2));
  return `${sanitize(key.key)}: ${sanitize(key.description ?? key.displayName ?? '')}
${table}${params.map(valuesText).join('')}
${requirementsText(key)}
One line of output, whose own part jq finds at ${key.jqRootPath}:
${schema}`;
}

type Param = NonNullable<ReturnType<RegisteredKey['toJSON']>['params']>[number];

function valuesText({ name, values = [], any_value: isOpen = false }: Param): string {
  if (values.length === 0) return '';
  const rows = values.map(({ value, desc }) => [value, desc]);
  return `\n${formatTable([`${name}${isOpen ? ', or any other' : ''}`, 'meaning'], rows, 120)}`;
}

function requirementsText({ authTypes, scopes, requiredConsoleEvents }: RegisteredKey): string {
  const facts: readonly (readonly [string, string])[] = [
    ['Identity', authTypes.join(', ') || 'none is needed'],
    ['Scopes', scopes.join(', ')],
    ['Events to switch on', requiredConsoleEvents.join(', ')],
  ];
  return facts
    .filter(([, text]) => text !== '')
    .map(([label, text]) => `${label}: ${sanitize(text)}\n`)
    .join('');
}
