import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../json.js';

// Keywords whose value is data; a `$ref` inside them is not a reference.
const DATA: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples']);
// Keywords whose value maps names to schemas.
const NAMED: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
]);

/**
 * Makes a schema nestable: removes ids and rewrites references so that they point only to `$defs`. A schema that refers
 * to its own root, or to a position in it, is moved to `$defs` as a whole, and the root refers to it.
 */
export function referToDefsOnly(schema: JsonObject): JsonObject {
  const { $schema, ...body } = schema;
  const plain = withoutIds(body);
  let toRoot = false;
  mapSchema(plain, (ref) => {
    toRoot ||= isPointer(ref) && !ref.startsWith(IN_DEFS);
    return ref;
  });
  if (!toRoot) return plain;
  const name = freeName(plain.$defs);
  const moved = mapSchema(plain, (ref) =>
    isPointer(ref) && !ref.startsWith(IN_DEFS) ? `${IN_DEFS}${name}${ref.slice(1)}` : ref,
  );
  const { $defs, ...root } = moved;
  return { $ref: `${IN_DEFS}${name}`, $defs: { ...(isJsonObject($defs) ? $defs : {}), [name]: root } };
}

const IN_DEFS = '#/$defs/';
const isPointer = (ref: string): boolean => ref === '#' || ref.startsWith('#/');

function freeName(defs: JsonValue | undefined): string {
  let name = 'Event';
  while (isJsonObject(defs) && name in defs) name += '_';
  return name;
}

// Replaces every id by a JSON Pointer. Ids are compared as text, not resolved as URIs.
function withoutIds(schema: JsonObject): JsonObject {
  const places = new Map<string, string>();
  mapSchema(
    schema,
    (ref) => ref,
    (id, pointer) => places.set(id, pointer),
  );
  return mapSchema(schema, (ref, base) => {
    const [id = '', fragment = ''] = ref.split('#', 2);
    const place = id === '' ? base : places.get(id);
    // A reference to another document, or to an anchor, stays as it is.
    if (place === undefined) return ref;
    return fragment === '' || fragment.startsWith('/') ? `#${place}${fragment}` : `#${fragment}`;
  });
}

/** Resolves a reference such as `#/$defs/Order`; undefined if the target does not exist or is in another document. */
export function referred(root: JsonObject, ref: string): JsonObject | undefined {
  const target = find(root, ref);
  return isJsonObject(target) ? target : undefined;
}

/** References within the schema whose target does not exist. */
export function danglingRefs(schema: JsonObject): string[] {
  const dangling: string[] = [];
  mapSchema(schema, (ref) => {
    if (isPointer(ref) && find(schema, ref) === undefined) dangling.push(ref);
    return ref;
  });
  return dangling;
}

function find(root: JsonObject, ref: string): JsonValue | undefined {
  if (!isPointer(ref)) return undefined;
  let place: JsonValue | undefined = root;
  for (const name of pointerNames(decoded(ref.slice(1))) ?? []) {
    if (isJsonArray(place)) place = place[Number(name)];
    else place = isJsonObject(place) && Object.hasOwn(place, name) ? place[name] : undefined;
  }
  return place;
}

/** Parses a JSON Pointer (RFC 6901); undefined if the text is not one. */
export function pointerNames(pointer: string): string[] | undefined {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) return undefined;
  return pointer
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

// Keep an invalid percent escape as it is: names in $defs may contain any text.
function decoded(pointer: string): string {
  try {
    return decodeURIComponent(pointer);
  } catch {
    return pointer;
  }
}

// Copies the schema without ids and maps its references; `base` is the pointer to the nearest schema with an id.
function mapSchema(
  schema: JsonObject,
  mapRef: (ref: string, base: string) => string,
  onId: (id: string, pointer: string) => void = () => {},
  pointer = '',
  base = '',
): JsonObject {
  const { $id, ...keywords } = schema;
  if (typeof $id === 'string') onId($id, pointer);
  const here = typeof $id === 'string' ? pointer : base;
  const inner = (value: JsonValue, ...names: string[]): JsonValue => {
    const at = [pointer, ...names.map(escaped)].join('/');
    if (isJsonArray(value)) return value.map((item, i) => inner(item, ...names, String(i)));
    return isJsonObject(value) ? mapSchema(value, mapRef, onId, at, here) : value;
  };
  const mapped = Object.entries(keywords).map(([keyword, value]): [string, JsonValue] => {
    if (keyword === '$ref' && typeof value === 'string') return [keyword, mapRef(value, here)];
    if (DATA.has(keyword)) return [keyword, value];
    if (!(NAMED.has(keyword) && isJsonObject(value))) return [keyword, inner(value, keyword)];
    const named = Object.entries(value).map(([name, schema]) => [name, inner(schema, keyword, name)]);
    return [keyword, Object.fromEntries(named)];
  });
  return Object.fromEntries(mapped);
}

// Escapes a name for a JSON Pointer inside a URI fragment.
const escaped = (name: string): string =>
  encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1')).replaceAll('%24', '$');
