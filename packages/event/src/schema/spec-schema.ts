import * as z from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import { danglingRefs, referToDefsOnly } from './schema-refs.js';

/** The JSON Schema dialect of everything here. */
export const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** A spec's JSON Schema, without `$schema` and ready to stand inside another, or why there is none. */
export type SpecSchema =
  | { readonly ok: true; readonly schema: JsonObject }
  | { readonly ok: false; readonly message: string };

/**
 * The JSON Schema of a Zod type: of its input, since an event's JSON is what a type would be given, never what it
 * would make of it. Unknown members are therefore allowed, as an upstream adds some at any time.
 */
export function zodSchema(type: unknown): SpecSchema {
  if (!isZodType(type)) {
    return refuse('`type` must be a Zod 4 type. Give a JSON Schema or a TypeBox type as `raw`.');
  }
  try {
    const schema = z.toJSONSchema(type, { target: 'draft-2020-12', io: 'input' });
    return rawSchema(schema);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return refuse(`The Zod type has no JSON Schema (${reason}). Use types that JSON has, or give \`raw\`.`);
  }
}

/** A JSON Schema as an author gives it, checked for being one of {@link DIALECT}. */
export function rawSchema(raw: unknown): SpecSchema {
  let schema: JsonValue;
  try {
    // A copy that is JSON and nothing else: TypeBox and Zod keep symbols and functions in theirs.
    // JSON.parse gives exactly the values of JsonValue.
    schema = JSON.parse(JSON.stringify(raw) ?? 'null') as JsonValue;
  } catch (error) {
    return refuse(`\`raw\` cannot be written as JSON (${error instanceof Error ? error.message : error}).`);
  }
  if (!isJsonObject(schema)) return refuse('`raw` must be a JSON Schema that is an object.');
  const { $schema } = schema;
  if ($schema !== undefined && $schema !== DIALECT) {
    return refuse(`\`raw\` is of the dialect ${JSON.stringify($schema)}. Write it for ${DIALECT}.`);
  }
  const standing = referToDefsOnly(schema);
  const [dangling] = danglingRefs(standing);
  if (dangling !== undefined) {
    return refuse(`\`raw\` refers to ${dangling}, which is not in it. Define it, or correct the reference.`);
  }
  return { ok: true, schema: standing };
}

// By what every Zod 4 type has, not by class: a file of keys may bring a copy of Zod of its own.
function isZodType(type: unknown): type is z.core.$ZodType {
  return typeof type === 'object' && type !== null && '_zod' in type;
}

const refuse = (message: string): SpecSchema => ({ ok: false, message });
