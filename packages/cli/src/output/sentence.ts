/**
 * A hint as a sentence: with a capital, and without the full stop that its line adds. Hints of the server go behind a
 * comma in some clients, so they begin with a lower case letter. A first word that is code, such as `toDateTime64(…)` or
 * `weir`, stays as it is.
 */
export function sentence(hint: string): string {
  const text = hint.replace(/[.\s]+$/, '');
  return /^(?!weir\b)[a-z][a-z']*(?=[\s,;:]|$)/.test(text)
    ? text.charAt(0).toUpperCase() + text.slice(1)
    : text;
}
