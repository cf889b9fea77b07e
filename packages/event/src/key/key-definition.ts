import type { ApiClient } from '../api-client.js';
import type { JsonValue } from '../json.js';
import type { ParamDef } from '../params/param-def.js';
import type { ParamsOf } from '../params/params.js';
import type { RawEvent } from '../raw-event.js';
import type { SchemaDef } from '../schema/schema-def.js';

/**
 * Whose identity a key may be consumed with: `user`, a person's access token; `bot`, a credential of the project
 * itself, such as an API key.
 */
export const AUTH_TYPES = ['user', 'bot'] as const;

/** One of {@link AUTH_TYPES}. */
export type AuthType = (typeof AUTH_TYPES)[number];

/** What `preConsume` leaves for `cleanup`, which may run in another process. */
export interface PreConsumed {
  /** Kept in a file for as long as the subscription lasts; no secrets. */
  readonly state?: JsonValue;
}

/**
 * One kind of event that can be consumed: what it is, what may be asked for, what comes out, and what must happen
 * around it. All hooks run in the consumer's process, with its identity.
 */
export interface KeyDefinition<P extends readonly ParamDef[] = readonly ParamDef[]> {
  /** Its name in the registry and on the command line: letters, digits, `.`, `_` and `-`. */
  readonly key: string;
  readonly displayName?: string;
  readonly description?: string;
  /** The type of the events it is made from; several keys may share one. */
  readonly eventType: string;
  readonly params?: P;
  readonly schema: SchemaDef;
  /** Scopes the identity must have. */
  readonly scopes?: readonly string[];
  /** Identities it may be consumed with; none means that no identity is needed. */
  readonly authTypes?: readonly AuthType[];
  /** Events that must be switched on at the upstream before any arrives. */
  readonly requiredConsoleEvents?: readonly string[];
  /** Events that wait for a slow consumer, at most 1000; default 100. */
  readonly bufferSize?: number;
  /** Events processed at the same time; default 1, which 0 stands for too. More than one gives up their order. */
  readonly workers?: number;
  /** Whether a second consumer of the same subscription is refused; default false. */
  readonly singleConsumer?: boolean;

  // Methods, not function members: a definition with its own params is then a definition like any other.

  /**
   * Replaces params by their canonical form, such as `me` by an id. Runs once, before everything else; what it returns
   * is what the subscription's identity and the other hooks see. An error ends `consume` without another try.
   */
  normalizeParams?(api: ApiClient, params: ParamsOf<P>): ParamsOf<P> | Promise<ParamsOf<P>>;
  /** Sets up the upstream, once, for the first consumer of a subscription. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook that leaves no state returns nothing.
  preConsume?(api: ApiClient, params: ParamsOf<P>): PreConsumed | void | Promise<PreConsumed | void>;
  /** Takes it down, once, after the last consumer; must be safe to repeat, since it may be cut short. */
  cleanup?(api: ApiClient, params: ParamsOf<P>, state: JsonValue | undefined): void | Promise<void>;
  /** Says at once, without I/O, whether the event is wanted. Default: every one. */
  match?(event: RawEvent, params: ParamsOf<P>): boolean;
  /** Makes the output of an event, or null to drop it. Not with a native schema. Default: the payload as it is. */
  process?(
    api: ApiClient,
    event: RawEvent,
    params: ParamsOf<P>,
  ): JsonValue | null | Promise<JsonValue | null>;
}

/**
 * Writes a definition with its hooks' params typed by its own `params`. It is checked when a `Registry` takes it.
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
