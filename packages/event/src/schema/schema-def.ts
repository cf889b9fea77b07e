import type * as z from 'zod';
import type { JsonValue } from '../json.js';

/** A shape: either a Zod 4 type or a JSON Schema. A TypeBox type is a JSON Schema; pass it as `raw`. */
export type SchemaSpec =
  | { readonly type: z.core.$ZodType; readonly raw?: never }
  | { readonly raw: object; readonly type?: never };

/** Metadata that overrides that of a field's type. */
export interface FieldMeta {
  readonly description?: string;
  /** Allowed values. A nullable field still allows null. */
  readonly enum?: readonly JsonValue[];
  /** Such as `date-time`, or the kind of id. */
  readonly format?: string;
}

interface FieldOverrides {
  /**
   * Overrides by JSON Pointer into the output. `*` matches the items of an array: `/event/items/*\/id` under `native`,
   * `/items/*\/id` under `custom`.
   */
  readonly fieldOverrides?: { readonly [path: string]: FieldMeta };
}

/**
 * The shape of one output line: either `native`, the upstream's payload inside the V2 envelope `{schema, header,
 * event}`, or `custom`, a shape of the author's own.
 */
export type SchemaDef = FieldOverrides &
  (
    | { readonly native: SchemaSpec; readonly custom?: never }
    | { readonly custom: SchemaSpec; readonly native?: never }
  );
