export type { ApiClient } from './api-client.js';
export { sanitizeAppId } from './app-id.js';
export { isJsonObject, type JsonObject, type JsonValue } from './json.js';
export { clampBufferSize, DEFAULT_BUFFER_SIZE, MAX_BUFFER_SIZE } from './key/buffer-size.js';
export {
  AUTH_TYPES,
  type AuthType,
  defineKey,
  type KeyDefinition,
  type PreConsumed,
} from './key/key-definition.js';
export {
  describeKey,
  type KeyDescription,
  type ParamDescription,
  type SpecDescription,
} from './key/key-description.js';
export type { RegisteredKey } from './key/registered-key.js';
export { subscriptionId } from './key/subscription-id.js';
export { PARAM_TYPES, type ParamDef, type ParamType, type ParamValue } from './params/param-def.js';
export type { ParamArgument, Params, ParamsOf } from './params/params.js';
export { type ParamProblem, ParamsError } from './params/params-error.js';
export { parseParams } from './params/parse-params.js';
export { MAX_EVENT_BYTES, payloadText, type RawEvent, type RawEventFacts, rawEvent } from './raw-event.js';
export { Registry } from './registry/registry.js';
export { RegistryError, type RegistryProblem } from './registry/registry-error.js';
export { ENVELOPE_VERSION, envelopeText } from './schema/envelope.js';
export type { JqRootPath } from './schema/output-schema.js';
export type { FieldMeta, SchemaDef, SchemaSpec } from './schema/schema-def.js';
