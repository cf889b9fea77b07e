import { literal } from './canonical.js';
import { notAllowed } from './gate-refusal.js';
import type { Token } from './tokens.js';

/**
 * Replaces every `{name:Type}` in the text by `_CAST('name', 'Type')`, the form that the engine gives a bound
 * parameter. The gate checks this text instead of binding the caller's values, so that its verdict depends on the text
 * alone: where a name in a string decides what runs (arrayReduce, CAST), a parameter is not a literal.
 *
 * @throws QueryError for a parameter of type Identifier, whose value would be a name.
 */
export function withoutPlaceholders(sql: string, tokens: readonly Token[]): string {
  let text = '';
  let at = 0;
  for (const token of tokens) {
    if (token.kind !== 'parameter') continue;
    if (/^identifier$/i.test(token.type)) {
      throw notAllowed(
        'parameter',
        token.text,
        `The parameter ${token.text} stands for a name; parameters can only be values.`,
        'Write names of tables and columns into the query itself.',
      );
    }
    text += `${sql.slice(at, token.start)}_CAST(${literal(token.text)}, ${literal(token.type)})`;
    at = token.end;
  }
  return text + sql.slice(at);
}
