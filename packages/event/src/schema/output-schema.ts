import type { JsonObject } from '../json.js';
import { envelopeSchema } from './envelope.js';
import { applyOverrides } from './field-overrides.js';
import type { FieldMeta } from './schema-def.js';
import { DIALECT, rawSchema, type SpecSchema, zodSchema } from './spec-schema.js';

/** The jq path of the event inside one line of output. */
export type JqRootPath = '.event' | '.';

/** Schema of one output line of a key. */
export interface OutputSchema {
  /** JSON Schema 2020-12. */
  readonly schema: JsonObject;
  readonly jqRootPath: JqRootPath;
}

/** A problem in a schema; `path` is its location, starting at the definition's `schema`. */
export interface SchemaProblem {
  readonly path: string;
  readonly message: string;
}

/** An unchecked {@link SchemaDef}: any member may be missing or contradict another. */
export interface UncheckedSchema {
  readonly native?: UncheckedSpec | undefined;
  readonly custom?: UncheckedSpec | undefined;
  readonly fieldOverrides?: { readonly [path: string]: FieldMeta } | undefined;
}

interface UncheckedSpec {
  readonly type?: unknown;
  readonly raw?: unknown;
}

/** Builds the output schema of a key, with envelope and overrides applied, or returns all problems. */
export function outputSchema(
  def: UncheckedSchema,
): { readonly output: OutputSchema } | { readonly problems: readonly SchemaProblem[] } {
  const { native, custom, fieldOverrides = {} } = def;
  if (native !== undefined && custom !== undefined) {
    return wrong(
      'schema',
      'Give only one of `native` and `custom`: the payload in its envelope, or a shape of your own.',
    );
  }
  const spec = native ?? custom;
  if (spec === undefined) {
    return wrong('schema', 'Give `native` (the payload in its envelope) or `custom` (a shape of your own).');
  }
  const path = native === undefined ? 'schema.custom' : 'schema.native';
  if ((spec.type === undefined) === (spec.raw === undefined)) {
    const both = spec.type !== undefined;
    return wrong(
      path,
      `Give ${both ? 'only one' : 'one'} of \`type\` (a Zod type) and \`raw\` (a JSON Schema).`,
    );
  }
  const body: SpecSchema = spec.type === undefined ? rawSchema(spec.raw) : zodSchema(spec.type);
  if (!body.ok) return wrong(path, body.message);
  const bare = native === undefined ? body.schema : envelopeSchema(body.schema);
  const { schema, unresolved } = applyOverrides(bare, fieldOverrides);
  if (unresolved.length > 0) return { problems: unresolved.map((p) => nowhere(p, native !== undefined)) };
  const jqRootPath = native === undefined ? '.' : '.event';
  return { output: { schema: { $schema: DIALECT, ...schema }, jqRootPath } };
}

function nowhere(path: string, native: boolean): SchemaProblem {
  const begin = native ? 'Under `native` a path begins with /event or /header' : 'A path begins with a slash';
  return {
    path: `schema.fieldOverrides[${JSON.stringify(path)}]`,
    message: `The output has no field at this path. ${begin}; /*/ stands for the items of an array.`,
  };
}

const wrong = (path: string, message: string) => ({ problems: [{ path, message }] });
