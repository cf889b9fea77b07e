import { defined } from '@weir/base';
import { deepFreeze, type JsonObject } from '../json.js';
import type { ParamDef } from '../params/param-def.js';
import type { JqRootPath, OutputSchema } from '../schema/output-schema.js';
import type { SchemaDef, SchemaSpec } from '../schema/schema-def.js';
import { clampBufferSize } from './buffer-size.js';
import type { AuthType, KeyDefinition } from './key-definition.js';
import { describeKey, type KeyDescription } from './key-description.js';

/** A definition that was found right, with its defaults and what follows from it. It never changes. */
export interface RegisteredKey extends KeyDefinition {
  readonly params: readonly ParamDef[];
  readonly scopes: readonly string[];
  readonly authTypes: readonly AuthType[];
  readonly requiredConsoleEvents: readonly string[];
  readonly bufferSize: number;
  readonly workers: number;
  readonly singleConsumer: boolean;
  /** JSON Schema 2020-12 of one line of output. */
  readonly outputSchema: JsonObject;
  readonly jqRootPath: JqRootPath;
  /** By the names JSON has for it, so that `JSON.stringify` writes those. */
  toJSON(): KeyDescription;
}

/** Makes a right definition a registered key. Hooks keep their `this`, so a definition may be an instance of a class. */
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

/** What a param is that does not say so, as only definitions can that no compiler has seen. */
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
  // The check has seen exactly one of the two.
  return Object.freeze(
    native === undefined
      ? { ...overrides, custom: ownSpec(custom) }
      : { ...overrides, native: ownSpec(native) },
  );
}

function ownSpec(spec: SchemaSpec): SchemaSpec {
  if (spec.raw === undefined) return Object.freeze({ type: spec.type });
  // Given as an object, it is one as JSON too: the check has seen that.
  return Object.freeze({ raw: deepFreeze(JSON.parse(JSON.stringify(spec.raw)) as object) });
}

// A copy, so that the author's own list may change without the key.
const frozen = <T>(list: readonly T[] | undefined): readonly T[] => deepFreeze(structuredClone(list ?? []));
