/**
 * Formats a hint as a sentence: capitalized, without the final full stop that the output adds. Server hints start with
 * a lower-case letter, because some clients append them after a comma. A first word that is code, such as
 * `toDateTime64(…)` or `weir`, is not changed.
 */
export function sentence(hint: string): string {
  const text = hint.replace(/[.\s]+$/, '');
  return /^(?!weir\b)[a-z][a-z']*(?=[\s,;:]|$)/.test(text)
    ? text.charAt(0).toUpperCase() + text.slice(1)
    : text;
}
