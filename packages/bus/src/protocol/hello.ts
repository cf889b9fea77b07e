import { isJsonObject, type JsonObject, type JsonValue } from '@weir/event';
import { sourceSpec } from '@weir/event/source';
import * as z from 'zod';

/** Any JSON value. JSON.parse has already validated it, so the schema only checks that the member is present. */
export const json = z.custom<JsonValue>((value) => value !== undefined);

/** Any JSON object, unchanged. `z.record` would copy it and lose a member named `__proto__`. */
export const jsonObject = z.custom<JsonObject>(
  (value) => isJsonObject(value as JsonValue),
  'must be an object',
);

const anyHello = {
  type: z.literal('hello'),
  /** Protocol version. */
  protocol: z.int().positive(),
  /** Weir release of the process that sends hello. */
  version: z.string(),
  pid: z.int().nonnegative(),
  /** The content of the secret file, which only its owner can read. */
  secret: z.string().min(1),
};

/** The first message of a connection, sent by a consumer or by a control client (`weir event status`, `weir event stop`). */
export const hello = z.discriminatedUnion('role', [
  z.object({ ...anyHello, role: z.literal('control') }),
  z.object({
    ...anyHello,
    role: z.literal('consumer'),
    event_key: z.string().min(1),
    event_type: z.string().min(1),
    subscription_id: z.string().min(1),
    /** The upstream source of the events. */
    source: sourceSpec,
    /** Authenticates to the source, such as an API key. The bus keeps it in memory only and never writes it to a file. */
    credential: z.string().exactOptional(),
    /** Name of the identity that hooks run with. The bus stores it with the lease so that a helper can run cleanup. */
    identity: z.string().exactOptional(),
    /** File that defines the key, unless the key ships with Weir. Stored with the lease too. */
    keys_file: z.string().exactOptional(),
    /** Params after normalizeParams; the bus passes them to cleanup. */
    params: jsonObject.exactOptional(),
    /** True if the key has a preConsume or cleanup hook and therefore needs a lease. */
    needs_lease: z.boolean(),
    single_consumer: z.boolean(),
    buffer_size: z.int().positive(),
    /** Policy when the consumer's queue is full: read again from the feed, drop the oldest event, or close the connection. */
    on_slow: z.enum(['replay', 'drop-oldest', 'disconnect']),
    /** Start position: latest, earliest, a cursor or a time. */
    from: z.string().exactOptional(),
    group: z.string().exactOptional(),
    /** What the group's members do with an event: key, params and expression. It must be equal for all members. */
    task: z.string().exactOptional(),
    /** Id of this consumer that stays the same when it reconnects; also its member name in the group. */
    member: z.string().min(1).exactOptional(),
    /** Maximum number of unacknowledged deliveries; default: the buffer size. */
    prefetch: z.int().positive().exactOptional(),
    /** Deliveries that the consumer is handling, or has handled without a confirmation that the source stored the outcome. */
    holding: z.array(z.string().min(1)).exactOptional(),
  }),
]);

/** The first message of a connection. */
export type Hello = z.infer<typeof hello>;

const anyAck = { type: z.literal('hello_ack'), protocol: z.int().positive(), version: z.string() };

/** The reply of the bus to hello. */
export const helloAck = z.discriminatedUnion('ok', [
  z.object({
    ...anyAck,
    ok: z.literal(true),
    pid: z.int().nonnegative(),
    /** True if this consumer must run preConsume. It reports the result with `ack` before the bus sends events. */
    pre_consume: z.boolean(),
  }),
  z.object({
    ...anyAck,
    ok: z.literal(false),
    code: z.enum([
      'secret',
      'version',
      'single_consumer',
      /** The bus disconnected this consumer earlier because it was too slow and had chosen `disconnect`. */
      'consumer_too_slow',
      'pre_consume_failed',
      /** The consumer's release is newer. This bus stops; the consumer starts one of its own release. */
      'handover',
      /** An operator stopped the bus. Clients must not start another one automatically. */
      'shutdown',
      /** The request can never succeed. */
      'invalid',
      /** The request may succeed later; the cause is on the side of the bus. */
      'not_now',
    ]),
    message: z.string(),
    hint: z.string(),
  }),
]);

/** The reply to hello. */
export type HelloAck = z.infer<typeof helloAck>;
