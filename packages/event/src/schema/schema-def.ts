import type * as z from 'zod';
import type { JsonValue } from '../json.js';

/**
 * A shape: exactly one of a Zod 4 type and a JSON Schema. A TypeBox type is a JSON Schema and goes in `raw`.
 */
export type SchemaSpec =
  | { readonly type: z.core.$ZodType; readonly raw?: never }
  | { readonly raw: object; readonly type?: never };

/** What an override says of a field, instead of or beside what its type says. */
export interface FieldMeta {
  readonly description?: string;
  /** The values it may have. Where the field may be null, null stays allowed. */
  readonly enum?: readonly JsonValue[];
  /** Such as `date-time`, or what kind of id it is. */
  readonly format?: string;
}

interface FieldOverrides {
  /**
   * By JSON Pointer into the output, where `*` stands for an array's items: `/event/items/*\/id` under `native`,
   * `/items/*\/id` under `custom`.
   */
  readonly fieldOverrides?: { readonly [path: string]: FieldMeta };
}

/**
 * What one line of output looks like: exactly one of `native`, the upstream's payload inside the V2 envelope
 * `{schema, header, event}`, and `custom`, the author's own shape.
 */
export type SchemaDef = FieldOverrides &
  (
    | { readonly native: SchemaSpec; readonly custom?: never }
    | { readonly custom: SchemaSpec; readonly native?: never }
  );
