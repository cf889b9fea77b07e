import type { RawEvent } from '@weir/event';
import * as z from 'zod';
import { hello, helloAck, json } from './hello.js';
import { sourceStatus, statusQuery, statusResponse } from './status.js';

const event = z.object({
  type: z.literal('event'),
  /** Increases by one for each event addressed to this connection. A gap of n means that the bus dropped n events. */
  seq: z.int().nonnegative(),
  /** The feed position after this event; absent for sources without offsets. */
  cursor: z.string().exactOptional(),
  /** Present for a group: the id to acknowledge, and the attempt number, starting at 1. */
  delivery: z.object({ id: z.string().min(1), attempt: z.int().positive() }).exactOptional(),
  event: z.object({
    event_id: z.string(),
    event_type: z.string(),
    source_time: z.string().exactOptional(),
    timestamp: z.string(),
  }),
});

/** An event that the bus sends to a consumer. */
export type EventMessage = Omit<z.infer<typeof event>, 'event'> & { readonly event: RawEvent };

const ack = z.discriminatedUnion('of', [
  /** Deliveries of a group that the sink has finished. */
  z.object({ type: z.literal('ack'), of: z.literal('deliveries'), ids: z.array(z.string().min(1)).min(1) }),
  /** Deliveries of a group on which the sink failed. The source redelivers them after `delay_ms`, or at once. */
  z.object({
    type: z.literal('ack'),
    of: z.literal('failed_deliveries'),
    ids: z.array(z.string().min(1)).min(1),
    delay_ms: z.int().nonnegative().exactOptional(),
  }),
  /**
   * Control of group deliveries. The consumer sends `begin` to ask for permission to start. The bus replies `begun` for
   * the deliveries that may start, and `lost` for those that another member may already retry. It sends `settled` for
   * outcomes that the source has stored, so that the consumer need not repeat them to the next bus.
   */
  z.object({
    type: z.literal('ack'),
    of: z.enum(['begin', 'begun', 'lost', 'settled']),
    ids: z.array(z.string().min(1)).min(1),
  }),
  /** Heartbeat of a group member. The bus extends leases only for members that send it. */
  z.object({ type: z.literal('ack'), of: z.literal('alive') }),
  /** The result of a hook that the bus assigned to this consumer. `state` is the value that preConsume passes to cleanup. */
  z.object({
    type: z.literal('ack'),
    of: z.enum(['pre_consume', 'cleanup']),
    state: json.exactOptional(),
    /** The hook's error; absent on success. */
    error: z.string().exactOptional(),
  }),
]);

const bye = z.object({
  type: z.literal('bye'),
  /** The reason: from a consumer, why it ends; from the bus, why it closes the connection. */
  reason: z.enum([
    'limit',
    'timeout',
    'signal',
    'stdin',
    'upstream',
    'error',
    'slow',
    'idle',
    'handover',
    'shutdown',
  ]),
  message: z.string().exactOptional(),
  /** Only with `upstream`: the permanent error, with the fields of a ConsumeError. */
  error: z
    .object({
      kind: z.enum(['failed', 'usage', 'auth', 'network', 'internal']),
      code: z.string(),
      hint: z.string().exactOptional(),
      param: z.string().exactOptional(),
    })
    .exactOptional(),
});

/** A consumer asks, before it leaves, whether it is the last one of its subscription. */
const preShutdownCheck = z.object({ type: z.literal('pre_shutdown_check') });

/** If `last` is true, the bus reserves cleanup for this consumer until it reports the result. `state` comes from preConsume. */
const preShutdownAck = z.object({
  type: z.literal('pre_shutdown_ack'),
  last: z.boolean(),
  state: json.exactOptional(),
});

/** Stops the bus. Without `force`, the bus refuses while it has consumers. */
const shutdown = z.object({ type: z.literal('shutdown'), force: z.boolean() });

const plain = z.discriminatedUnion('type', [
  hello,
  helloAck,
  ack,
  bye,
  preShutdownCheck,
  preShutdownAck,
  sourceStatus,
  statusQuery,
  statusResponse,
  shutdown,
]);

/** Every message type except `event`. */
export type PlainMessage = z.infer<typeof plain>;

/** One protocol message, encoded as one line. */
export type Message = PlainMessage | EventMessage;

/** The `type` of a message. */
export type MessageType = Message['type'];

/** Schemas for parsed messages. The event schema excludes the payload, which is cut out of the line as text. */
export const messageShapes = { event, plain };

/** All message types; any other is rejected as `unknown_type`. */
export const MESSAGE_TYPES: readonly MessageType[] = [
  'hello',
  'hello_ack',
  'event',
  'ack',
  'bye',
  'pre_shutdown_check',
  'pre_shutdown_ack',
  'source_status',
  'status_query',
  'status_response',
  'shutdown',
];
