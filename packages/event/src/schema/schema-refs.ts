import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../json.js';

// Keywords whose value is data, in which a member named $ref refers to nothing.
const DATA: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples']);
// Keywords whose value has names of its own, each with a schema.
const NAMED: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
]);

/**
 * Makes a schema one that can be put inside another, and whose parts can be copied: it has no ids, and refers to nothing
 * within itself but `$defs`. A schema that refers to its own root, or to a place in it, moves as a whole to `$defs` and
 * is referred to from the root.
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

// Every id becomes the pointer to where it stands. Ids are compared as they are written, not resolved as URIs.
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
    // Of another document; or an anchor, which is found wherever it is.
    if (place === undefined) return ref;
    return fragment === '' || fragment.startsWith('/') ? `#${place}${fragment}` : `#${fragment}`;
  });
}

/** The schema at a reference such as `#/$defs/Order`; undefined when there is none, or it is of another document. */
export function referred(root: JsonObject, ref: string): JsonObject | undefined {
  const target = find(root, ref);
  return isJsonObject(target) ? target : undefined;
}

/** The references of a schema to places in it that do not exist. */
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

/** The names of a JSON Pointer (RFC 6901); undefined when the text is none. */
export function pointerNames(pointer: string): string[] | undefined {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) return undefined;
  return pointer
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

// A percent sign that begins no escape stands for itself: the names of $defs are any text.
function decoded(pointer: string): string {
  try {
    return decodeURIComponent(pointer);
  } catch {
    return pointer;
  }
}

// A copy without ids, its references replaced by what `mapRef` says; `base` points to the nearest schema with an id.
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

// As in a URI's fragment, where a pointer's names stand in a reference.
const escaped = (name: string): string =>
  encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1')).replaceAll('%24', '$');
