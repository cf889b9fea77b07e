import { isJsonObject, type JsonObject, type JsonValue } from '@weir/event';
import { sourceSpec } from '@weir/event/source';
import * as z from 'zod';

/** Any JSON value. It was parsed from JSON, so there is nothing to check but that it is there. */
export const json = z.custom<JsonValue>((value) => value !== undefined);

/** Any JSON object, as it is: `z.record` makes a copy without a member that is called `__proto__`. */
export const jsonObject = z.custom<JsonObject>(
  (value) => isJsonObject(value as JsonValue),
  'must be an object',
);

const anyHello = {
  type: z.literal('hello'),
  /** The protocol's version. */
  protocol: z.int().positive(),
  /** The release of who says hello. */
  version: z.string(),
  pid: z.int().nonnegative(),
  /** From the file beside the socket, which only the owner can read. */
  secret: z.string().min(1),
};

/** The first message of a connection: of a consumer, or of somebody who asks for or ends the bus. */
export const hello = z.discriminatedUnion('role', [
  z.object({ ...anyHello, role: z.literal('control') }),
  z.object({
    ...anyHello,
    role: z.literal('consumer'),
    event_key: z.string().min(1),
    event_type: z.string().min(1),
    subscription_id: z.string().min(1),
    /** Where its events come from. */
    source: sourceSpec,
    /** What opens the source, such as an API key; the bus keeps it in memory alone. */
    credential: z.string().exactOptional(),
    /** The name of the identity that hooks run with; kept with the lease for a cleanup by a helper. */
    identity: z.string().exactOptional(),
    /** The file of keys, when it is not a shipped key; kept with the lease as well. */
    keys_file: z.string().exactOptional(),
    /** The params after normalizeParams, which cleanup gets. */
    params: jsonObject.exactOptional(),
    /** Whether the key has a preConsume or a cleanup, so that a lease is needed. */
    needs_lease: z.boolean(),
    single_consumer: z.boolean(),
    buffer_size: z.int().positive(),
    /** What a full queue does: refill from the feed, forget the oldest event, or end the connection. */
    on_slow: z.enum(['replay', 'drop-oldest', 'disconnect']),
    /** Where to begin: latest, earliest, a cursor or a time. */
    from: z.string().exactOptional(),
    group: z.string().exactOptional(),
    /** What members of the group do with events: key, params and expression. */
    task: z.string().exactOptional(),
    /** What names this consumer, also as a member of its group, from one connection to the next. */
    member: z.string().min(1).exactOptional(),
    /** How many deliveries may be out with it; default its buffer. */
    prefetch: z.int().positive().exactOptional(),
    /** Deliveries that it handles, or has handled and not been told that the source knows. */
    holding: z.array(z.string().min(1)).exactOptional(),
  }),
]);

/** What a consumer or a control connection says first. */
export type Hello = z.infer<typeof hello>;

const anyAck = { type: z.literal('hello_ack'), protocol: z.int().positive(), version: z.string() };

/** The bus's answer to hello. */
export const helloAck = z.discriminatedUnion('ok', [
  z.object({
    ...anyAck,
    ok: z.literal(true),
    pid: z.int().nonnegative(),
    /** Whether preConsume is this consumer's to run; it answers with `ack` before events come. */
    pre_consume: z.boolean(),
  }),
  z.object({
    ...anyAck,
    ok: z.literal(false),
    code: z.enum([
      'secret',
      'version',
      'single_consumer',
      /** It was ended because it was too slow, and asked for that. */
      'consumer_too_slow',
      'pre_consume_failed',
      /** The bus ends now so that the newer release of who asks can take its place: start one. */
      'handover',
      /** The bus was told to end: nobody is to start another by themselves. */
      'shutdown',
      /** What was asked for can never be. */
      'invalid',
      /** It cannot be now, for a reason of the bus's own. */
      'not_now',
    ]),
    message: z.string(),
    hint: z.string(),
  }),
]);

/** What the bus says to hello. */
export type HelloAck = z.infer<typeof helloAck>;
