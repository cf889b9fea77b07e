import * as z from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import { danglingRefs, referToDefsOnly } from './schema-refs.js';

/** The only JSON Schema dialect supported. */
export const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** The JSON Schema of a spec, without `$schema` so that it can be nested, or the reason why it has none. */
export type SpecSchema =
  | { readonly ok: true; readonly schema: JsonObject }
  | { readonly ok: false; readonly message: string };

/**
 * The JSON Schema of a Zod type. It describes the input of the type, because an event's JSON is parsed by the type.
 * Unknown members are allowed, since an upstream may add members at any time.
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

/** Validates an author's JSON Schema against {@link DIALECT}. */
export function rawSchema(raw: unknown): SpecSchema {
  let schema: JsonValue;
  try {
    // Copy through JSON: TypeBox and Zod add symbols and functions to their schemas. JSON.parse returns exactly the
    // type JsonValue.
    schema = JSON.parse(JSON.stringify(raw) ?? 'null') as JsonValue;
  } catch (error) {
    return refuse(`\`raw\` cannot be written as JSON (${error instanceof Error ? error.message : error}).`);
  }
  if (!isJsonObject(schema)) return refuse('`raw` must be a JSON Schema that is an object.');
  const { $schema } = schema;
  if ($schema !== undefined && $schema !== DIALECT) {
    return refuse(`\`raw\` has the dialect ${JSON.stringify($schema)}. Write it for ${DIALECT}.`);
  }
  const standing = referToDefsOnly(schema);
  const [dangling] = danglingRefs(standing);
  if (dangling !== undefined) {
    return refuse(
      `\`raw\` refers to ${dangling}, which does not exist. Define it, or correct the reference.`,
    );
  }
  return { ok: true, schema: standing };
}

// Check a property, not the class: a keys file may load its own copy of Zod.
function isZodType(type: unknown): type is z.core.$ZodType {
  return typeof type === 'object' && type !== null && '_zod' in type;
}

const refuse = (message: string): SpecSchema => ({ ok: false, message });
