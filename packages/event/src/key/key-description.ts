import { defined } from '@weir/base';
import type { JsonObject } from '../json.js';
import type { ParamType, ParamValue } from '../params/param-def.js';
import { listedValues } from '../params/param-def.js';
import type { JqRootPath } from '../schema/output-schema.js';
import type { FieldMeta } from '../schema/schema-def.js';
import type { RegisteredKey } from './registered-key.js';

/** A key as JSON shows it, to people and agents alike. Members that have nothing to say are absent. */
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
  /** JSON Schema 2020-12 of one line of output, overrides and envelope included. */
  readonly resolved_output_schema: JsonObject;
}

/** A param as JSON shows it. */
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

/** A spec as JSON shows it: `raw` when it was given so, nothing for a Zod type, which JSON cannot hold. */
export interface SpecDescription {
  readonly raw?: object;
}

/** Describes a key by the names that JSON has for its parts. */
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
  // A computed member loses its name's type; it is N.
  return (list.length === 0 ? {} : { [name]: list }) as { readonly [K in N]?: readonly T[] };
}
