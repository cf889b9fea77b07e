import type { ApiClient } from '../api-client.js';
import type { JsonValue } from '../json.js';
import type { ParamDef } from '../params/param-def.js';
import type { ParamsOf } from '../params/params.js';
import type { RawEvent } from '../raw-event.js';
import type { SchemaDef } from '../schema/schema-def.js';

/**
 * Identities that can consume a key: `user`, a person's access token; `bot`, a credential of the project, such as an
 * API key.
 */
export const AUTH_TYPES = ['user', 'bot'] as const;

/** One of {@link AUTH_TYPES}. */
export type AuthType = (typeof AUTH_TYPES)[number];

/** The result of `preConsume`, passed to `cleanup`, which may run in another process. */
export interface PreConsumed {
  /** Stored in a file while the subscription exists; it must not contain secrets. */
  readonly state?: JsonValue;
}

/**
 * One kind of consumable event: its params, output schema and hooks. All hooks run in the consumer's process, with its
 * identity.
 */
export interface KeyDefinition<P extends readonly ParamDef[] = readonly ParamDef[]> {
  /** Name in the registry and on the command line: letters, digits, `.`, `_` and `-`. */
  readonly key: string;
  readonly displayName?: string;
  readonly description?: string;
  /** Type of the source events; several keys may share one. */
  readonly eventType: string;
  readonly params?: P;
  readonly schema: SchemaDef;
  /** Scopes that the identity needs. */
  readonly scopes?: readonly string[];
  /** Identities that may consume the key; empty means that no identity is needed. */
  readonly authTypes?: readonly AuthType[];
  /** Events that must be enabled at the upstream before it sends any. */
  readonly requiredConsoleEvents?: readonly string[];
  /** Number of events buffered for a slow consumer, at most 1000; default 100. */
  readonly bufferSize?: number;
  /** Number of events processed concurrently; default 1, which 0 also means. More than 1 gives up the order of events. */
  readonly workers?: number;
  /** True if only one consumer per subscription is allowed; default false. */
  readonly singleConsumer?: boolean;

  // Methods, not function-typed properties: methods are bivariant, so a definition with typed params is assignable to
  // KeyDefinition.

  /**
   * Converts params to their canonical form, such as `me` to an id. Runs once, before everything else; the subscription
   * id and the other hooks use its result. An error ends `consume` without a retry.
   */
  normalizeParams?(api: ApiClient, params: ParamsOf<P>): ParamsOf<P> | Promise<ParamsOf<P>>;
  /** Creates the upstream subscription, once, for the first consumer. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook without state returns nothing.
  preConsume?(api: ApiClient, params: ParamsOf<P>): PreConsumed | void | Promise<PreConsumed | void>;
  /**
   * Removes the upstream subscription after the last consumer. It must be idempotent, because it may be interrupted and
   * run again.
   */
  cleanup?(api: ApiClient, params: ParamsOf<P>, state: JsonValue | undefined): void | Promise<void>;
  /** Filters an event synchronously, without I/O. Default: accepts every event. */
  match?(event: RawEvent, params: ParamsOf<P>): boolean;
  /** Converts an event to its output; null drops it. Not allowed with a native schema. Default: the payload unchanged. */
  process?(
    api: ApiClient,
    event: RawEvent,
    params: ParamsOf<P>,
  ): JsonValue | null | Promise<JsonValue | null>;
}

/**
 * Defines a key; the params of its hooks are typed by `params`. `Registry` validates the definition.
 *
 * ```ts
 * const orders = defineKey({
 *   key: 'shop.order',
 *   eventType: 'order',
 *   params: [{ name: 'min', type: 'int', description: 'Smallest total', default: '0' }],
 *   schema: { custom: { type: z.object({ total: z.number() }) } },
 *   match: (event, params) => totalOf(event) >= params.min,
 * });
 * ```
 */
export function defineKey<const P extends readonly ParamDef[] = readonly []>(
  definition: KeyDefinition<P>,
): KeyDefinition<P> {
  return definition;
}
