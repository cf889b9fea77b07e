import type { RawEvent } from '@weir/event';
import * as z from 'zod';
import { hello, helloAck, json } from './hello.js';
import { sourceStatus, statusQuery, statusResponse } from './status.js';

const event = z.object({
  type: z.literal('event'),
  /** Counts up by one for each event meant for this connection; a gap is that many events dropped. */
  seq: z.int().nonnegative(),
  /** Where the feed goes on after this event; absent for sources without offsets. */
  cursor: z.string().exactOptional(),
  /** Of a group: what to acknowledge it by, and which try this is, from 1. */
  delivery: z.object({ id: z.string().min(1), attempt: z.int().positive() }).exactOptional(),
  event: z.object({
    event_id: z.string(),
    event_type: z.string(),
    source_time: z.string().exactOptional(),
    timestamp: z.string(),
  }),
});

/** An event for a consumer, on its way from the bus. */
export type EventMessage = Omit<z.infer<typeof event>, 'event'> & { readonly event: RawEvent };

const ack = z.discriminatedUnion('of', [
  /** Deliveries of a group whose sink has finished. */
  z.object({ type: z.literal('ack'), of: z.literal('deliveries'), ids: z.array(z.string().min(1)).min(1) }),
  /** Deliveries of a group whose sink has failed; they come again, after `delay_ms` or at once. */
  z.object({
    type: z.literal('ack'),
    of: z.literal('failed_deliveries'),
    ids: z.array(z.string().min(1)).min(1),
    delay_ms: z.int().nonnegative().exactOptional(),
  }),
  /**
   * Of deliveries of a group. A consumer asks to begin them; the bus says which it may begin now, and of which another
   * member may have a later try; and which answers the source knows of, so that no later bus has to be told.
   */
  z.object({
    type: z.literal('ack'),
    of: z.enum(['begin', 'begun', 'lost', 'settled']),
    ids: z.array(z.string().min(1)).min(1),
  }),
  /** A member of a group is there: the bus extends the leases of no other. */
  z.object({ type: z.literal('ack'), of: z.literal('alive') }),
  /** What came of the hook the bus left to this consumer; `state` is what preConsume leaves for cleanup. */
  z.object({
    type: z.literal('ack'),
    of: z.enum(['pre_consume', 'cleanup']),
    state: json.exactOptional(),
    /** The hook's error; absent when it did what it should. */
    error: z.string().exactOptional(),
  }),
]);

const bye = z.object({
  type: z.literal('bye'),
  /** Why: of a consumer what ended it, of the bus what it does now. */
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
  /** With `upstream`: what makes it impossible to go on, as a ConsumeError has it. */
  error: z
    .object({
      kind: z.enum(['failed', 'usage', 'auth', 'network', 'internal']),
      code: z.string(),
      hint: z.string().exactOptional(),
      param: z.string().exactOptional(),
    })
    .exactOptional(),
});

/** A consumer that is about to leave asks whether it is the last of its subscription. */
const preShutdownCheck = z.object({ type: z.literal('pre_shutdown_check') });

/** If it is the last, cleanup is its to run and nobody else's until it answers; `state` is what preConsume left. */
const preShutdownAck = z.object({
  type: z.literal('pre_shutdown_ack'),
  last: z.boolean(),
  state: json.exactOptional(),
});

/** Ends the bus; `force` also when it has consumers. */
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

/** A message of every type but `event`. */
export type PlainMessage = z.infer<typeof plain>;

/** A message: one line. */
export type Message = PlainMessage | EventMessage;

/** A message's type. */
export type MessageType = Message['type'];

/** Shapes to check what was parsed by: of an event message all but the payload. */
export const messageShapes = { event, plain };

/** Every type of message. */
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
