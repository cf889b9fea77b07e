import { defined } from '@weir/base';
import { deepFreeze, type JsonObject } from '../json.js';
import type { ParamDef } from '../params/param-def.js';
import type { JqRootPath, OutputSchema } from '../schema/output-schema.js';
import type { SchemaDef, SchemaSpec } from '../schema/schema-def.js';
import { clampBufferSize } from './buffer-size.js';
import type { AuthType, KeyDefinition } from './key-definition.js';
import { describeKey, type KeyDescription } from './key-description.js';

/** A validated definition with all defaults applied. Immutable. */
export interface RegisteredKey extends KeyDefinition {
  readonly params: readonly ParamDef[];
  readonly scopes: readonly string[];
  readonly authTypes: readonly AuthType[];
  readonly requiredConsoleEvents: readonly string[];
  readonly bufferSize: number;
  readonly workers: number;
  readonly singleConsumer: boolean;
  /** JSON Schema 2020-12 of one output line. */
  readonly outputSchema: JsonObject;
  readonly jqRootPath: JqRootPath;
  /** Describes the key with the JSON names, for `JSON.stringify`. */
  toJSON(): KeyDescription;
}

/** Builds a registered key from a valid definition. Hooks are bound to the definition, which may be a class instance. */
export function registeredKey(definition: KeyDefinition, output: OutputSchema): RegisteredKey {
  const { displayName, description } = definition;
  const key: RegisteredKey = {
    key: definition.key,
    ...defined({ displayName, description }),
    eventType: definition.eventType,
    params: frozen(definition.params?.map((param) => ({ ...TEXT, ...param }))),
    schema: ownSchema(definition.schema),
    scopes: frozen(definition.scopes),
    authTypes: frozen(definition.authTypes),
    requiredConsoleEvents: frozen(definition.requiredConsoleEvents),
    bufferSize: clampBufferSize(definition.bufferSize),
    workers: Math.max(1, definition.workers ?? 1),
    singleConsumer: definition.singleConsumer ?? false,
    outputSchema: deepFreeze(output.schema),
    jqRootPath: output.jqRootPath,
    ...hooksOf(definition),
    toJSON: () => describeKey(key),
  };
  return Object.freeze(key);
}

/** Default type of a param; only untyped JavaScript definitions can omit the type. */
const TEXT = { type: 'string' } as const;

function hooksOf(
  d: KeyDefinition,
): Pick<KeyDefinition, 'normalizeParams' | 'preConsume' | 'cleanup' | 'match' | 'process'> {
  return {
    ...(d.normalizeParams === undefined ? {} : { normalizeParams: d.normalizeParams.bind(d) }),
    ...(d.preConsume === undefined ? {} : { preConsume: d.preConsume.bind(d) }),
    ...(d.cleanup === undefined ? {} : { cleanup: d.cleanup.bind(d) }),
    ...(d.match === undefined ? {} : { match: d.match.bind(d) }),
    ...(d.process === undefined ? {} : { process: d.process.bind(d) }),
  };
}

function ownSchema({ native, custom, fieldOverrides }: SchemaDef): SchemaDef {
  const overrides =
    fieldOverrides === undefined ? {} : { fieldOverrides: deepFreeze(structuredClone(fieldOverrides)) };
  // The validation ensures that exactly one of the two is present.
  return Object.freeze(
    native === undefined
      ? { ...overrides, custom: ownSpec(custom) }
      : { ...overrides, native: ownSpec(native) },
  );
}

function ownSpec(spec: SchemaSpec): SchemaSpec {
  if (spec.raw === undefined) return Object.freeze({ type: spec.type });
  // The validation ensures that `raw` is an object in JSON too.
  return Object.freeze({ raw: deepFreeze(JSON.parse(JSON.stringify(spec.raw)) as object) });
}

// Copies the list, so that later changes by the author do not affect the key.
const frozen = <T>(list: readonly T[] | undefined): readonly T[] => deepFreeze(structuredClone(list ?? []));
