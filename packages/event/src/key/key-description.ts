import { defined } from '@weir/base';
import type { JsonObject } from '../json.js';
import type { ParamType, ParamValue } from '../params/param-def.js';
import { listedValues } from '../params/param-def.js';
import type { JqRootPath } from '../schema/output-schema.js';
import type { FieldMeta } from '../schema/schema-def.js';
import type { RegisteredKey } from './registered-key.js';

/** The JSON description of a key. Empty members are omitted. */
export interface KeyDescription {
  readonly key: string;
  readonly display_name?: string;
  readonly description?: string;
  readonly event_type: string;
  readonly params?: readonly ParamDescription[];
  readonly schema: {
    readonly native?: SpecDescription;
    readonly custom?: SpecDescription;
    readonly field_overrides?: { readonly [path: string]: FieldMeta };
  };
  readonly scopes?: readonly string[];
  readonly auth_types?: readonly string[];
  readonly required_console_events?: readonly string[];
  readonly buffer_size: number;
  readonly workers: number;
  readonly single_consumer?: boolean;
  readonly jq_root_path: JqRootPath;
  /** JSON Schema 2020-12 of one output line, with overrides and envelope. */
  readonly resolved_output_schema: JsonObject;
}

/** The JSON description of a param. */
export interface ParamDescription {
  readonly name: string;
  readonly type: ParamType;
  readonly required: boolean;
  readonly default?: string;
  readonly description: string;
  readonly values?: readonly ParamValue[];
  readonly any_value?: boolean;
  readonly subscription_key?: boolean;
}

/** The JSON description of a spec. It contains `raw` if the author gave a JSON Schema; a Zod type has no JSON form. */
export interface SpecDescription {
  readonly raw?: object;
}

/** Describes a key in JSON, with snake_case names. */
export function describeKey(key: RegisteredKey): KeyDescription {
  const { native, custom, fieldOverrides } = key.schema;
  return {
    key: key.key,
    ...(key.displayName ? { display_name: key.displayName } : {}),
    ...(key.description ? { description: key.description } : {}),
    event_type: key.eventType,
    ...some('params', key.params.map(describeParam)),
    schema: {
      ...(native === undefined ? {} : { native: describeSpec(native) }),
      ...(custom === undefined ? {} : { custom: describeSpec(custom) }),
      ...defined({ field_overrides: fieldOverrides }),
    },
    ...some('scopes', key.scopes),
    ...some('auth_types', key.authTypes),
    ...some('required_console_events', key.requiredConsoleEvents),
    buffer_size: key.bufferSize,
    workers: key.workers,
    ...(key.singleConsumer ? { single_consumer: true } : {}),
    jq_root_path: key.jqRootPath,
    resolved_output_schema: key.outputSchema,
  };
}

function describeParam(def: RegisteredKey['params'][number]): ParamDescription {
  return {
    name: def.name,
    type: def.type,
    required: def.required ?? false,
    ...defined({ default: def.default }),
    description: def.description,
    ...some('values', listedValues(def) ?? []),
    ...('anyValue' in def && def.anyValue ? { any_value: true } : {}),
    ...(def.subscriptionKey ? { subscription_key: true } : {}),
  };
}

const describeSpec = (spec: { readonly raw?: object }): SpecDescription =>
  spec.raw === undefined ? {} : { raw: spec.raw };

function some<N extends string, T>(name: N, list: readonly T[]): { readonly [K in N]?: readonly T[] } {
  // TypeScript widens a computed member name to string; the name is N.
  return (list.length === 0 ? {} : { [name]: list }) as { readonly [K in N]?: readonly T[] };
}
