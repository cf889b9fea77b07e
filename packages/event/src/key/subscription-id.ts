import { createHash } from 'node:crypto';
import type { ParamDef } from '../params/param-def.js';
import type { ParamArgument, Params } from '../params/params.js';

// Stable for ever: leases in files and running daemons of older releases know subscriptions by these ids.

/**
 * The identity of a subscription at the upstream: the key itself when no param is a subscription key, else `<key>:` and
 * the first 12 bytes, in base64url, of the SHA-256 of the JSON of `[{name, value}]` of those params, sorted by name.
 *
 * A value is text: of a `multi` its values sorted and joined by commas (`,` and `\` within one are escaped by `\`), of
 * a param that was left out the empty text.
 */
export function subscriptionId(
  definition: { readonly key: string; readonly params?: readonly ParamDef[] },
  params: Params,
): string {
  const pairs = (definition.params ?? [])
    .filter((def) => def.subscriptionKey === true)
    .map(({ name }) => ({ name, value: textOf(params[name]) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (pairs.length === 0) return definition.key;
  const digest = createHash('sha256').update(JSON.stringify(pairs)).digest();
  return `${definition.key}:${digest.subarray(0, 12).toString('base64url')}`;
}

function textOf(value: ParamArgument | undefined): string {
  if (value === undefined) return '';
  if (typeof value !== 'object') return String(value);
  return [...new Set(value)]
    .sort()
    .map((item) => item.replace(/[\\,]/g, '\\$&'))
    .join(',');
}
