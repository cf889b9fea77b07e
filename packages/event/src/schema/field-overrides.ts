import { defined } from '@weir/base';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import type { FieldMeta } from './schema-def.js';
import { pointerNames, referred } from './schema-refs.js';

// The schema is rewritten along the path. A `$ref` on the path is replaced by a copy of its target, so that an override
// changes only its own field and no other use of the same type.

/**
 * Applies overrides by JSON Pointer to a schema. Every branch of an `anyOf`, `oneOf` or `allOf` that contains the field
 * is changed. `unresolved` lists the paths that match no field.
 */
export function applyOverrides(
  schema: JsonObject,
  overrides: { readonly [path: string]: FieldMeta },
): { readonly schema: JsonObject; readonly unresolved: readonly string[] } {
  const unresolved: string[] = [];
  let result = schema;
  for (const [path, meta] of Object.entries(overrides)) {
    const names = pointerNames(path);
    const changed = names === undefined ? undefined : change(schema, result, names, meta);
    if (changed === undefined) unresolved.push(path);
    else result = changed;
  }
  return { schema: result, unresolved };
}

// Returns the changed node, or undefined if the path matches nothing. References resolve against the original schema.
function change(
  root: JsonObject,
  node: JsonObject,
  names: readonly string[],
  meta: FieldMeta,
): JsonObject | undefined {
  const open = expand(root, node);
  if (open === undefined) return undefined;
  const [name, ...rest] = names;
  if (name === undefined) return describe(root, open, meta);
  const inner = (value: JsonValue | undefined) =>
    isJsonObject(value) ? change(root, value, rest, meta) : undefined;
  const changes: { [keyword: string]: JsonValue } = {};
  if (name === '*') {
    const items = inner(open.items);
    if (items !== undefined) changes.items = items;
    const tuple = changeSome(open.prefixItems, inner);
    if (tuple !== undefined) changes.prefixItems = tuple;
  } else if (isJsonObject(open.properties) && Object.hasOwn(open.properties, name)) {
    const property = inner(open.properties[name]);
    if (property !== undefined) changes.properties = { ...open.properties, [name]: property };
  }
  for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
    const branches = changeSome(open[keyword], (branch) =>
      isJsonObject(branch) ? change(root, branch, names, meta) : undefined,
    );
    if (branches !== undefined) changes[keyword] = branches;
  }
  return Object.keys(changes).length === 0 ? undefined : { ...open, ...changes };
}

function changeSome(
  list: JsonValue | undefined,
  changeOne: (item: JsonValue) => JsonObject | undefined,
): JsonValue[] | undefined {
  if (!isJsonArray(list)) return undefined;
  const changed = list.map(changeOne);
  return changed.every((c) => c === undefined) ? undefined : list.map((item, i) => changed[i] ?? item);
}

function expand(root: JsonObject, node: JsonObject): JsonObject | undefined {
  const seen = new Set<string>();
  let open = node;
  while (typeof open.$ref === 'string') {
    const { $ref, ...beside } = open;
    if (seen.has($ref)) return undefined;
    seen.add($ref);
    const target = referred(root, $ref);
    if (target === undefined) return undefined;
    open = { ...target, ...beside };
  }
  return open;
}

function describe(root: JsonObject, node: JsonObject, meta: FieldMeta): JsonObject {
  const { description, ...limits } = meta;
  const described = description === undefined ? node : { ...node, description };
  if (limits.enum === undefined && limits.format === undefined) return described;
  for (const keyword of ['anyOf', 'oneOf']) {
    const branches = node[keyword];
    // For a nullable field, apply the limits to the other branches only, so that null stays valid.
    if (isJsonArray(branches) && branches.some(isNull)) {
      const limit = (b: JsonValue) =>
        isJsonObject(b) && !isNull(b) ? describe(root, expand(root, b) ?? b, limits) : b;
      return { ...described, [keyword]: branches.map(limit) };
    }
  }
  const nullable = isJsonArray(node.type) && node.type.includes('null') && !limits.enum?.includes(null);
  return {
    ...described,
    ...(limits.enum === undefined ? {} : { enum: nullable ? [...limits.enum, null] : limits.enum }),
    ...defined({ format: limits.format }),
  };
}

const isNull = (branch: JsonValue): boolean => isJsonObject(branch) && branch.type === 'null';
