import { createHash } from 'node:crypto';
import type { ParamDef } from '../params/param-def.js';
import type { ParamArgument, Params } from '../params/params.js';

// Never change this format: lease files and running buses of older releases contain these ids.

/**
 * The id of an upstream subscription. Without subscription-key params it is the key. Otherwise it is `<key>:` plus the
 * first 12 bytes, in base64url, of the SHA-256 of the JSON of `[{name, value}]` of these params, sorted by name.
 *
 * Values are text. A `multi` is its sorted values joined by commas (`,` and `\` within a value are escaped with `\`).
 * An omitted param is the empty text.
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
