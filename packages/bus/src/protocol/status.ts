import * as z from 'zod';

const sourceFacts = {
  source: z.string(),
  state: z.enum(['connecting', 'connected', 'disconnected', 'reconnecting']),
  /** When the last event came: RFC 3339. */
  last_event_time: z.string().exactOptional(),
  /** How far behind the upstream it is, in milliseconds. */
  lag_ms: z.number().nonnegative().exactOptional(),
  /** Why it is not connected. */
  message: z.string().exactOptional(),
};

/** A source has another state, or had this one when the consumer joined; told every 15 s besides. */
export const sourceStatus = z.object({
  type: z.literal('source_status'),
  ...sourceFacts,
  /** Everything up to here was delivered to this consumer, or was not wanted: it may come back after it. */
  cursor: z.string().exactOptional(),
  /** Events that the source no longer has and this consumer did not get; `message` says why. */
  missed: z.int().nonnegative().exactOptional(),
});

/** How a source is. */
export type SourceStatus = z.infer<typeof sourceStatus>;

/** Asks how the bus is. */
export const statusQuery = z.object({ type: z.literal('status_query') });

const consumer = z.object({
  pid: z.int().nonnegative(),
  event_key: z.string(),
  subscription_id: z.string(),
  group: z.string().exactOptional(),
  on_slow: z.enum(['replay', 'drop-oldest', 'disconnect']),
  /** Events written to it, dropped on its way, and waiting now. */
  received: z.int().nonnegative(),
  dropped: z.int().nonnegative(),
  queued: z.int().nonnegative(),
});

/** How the bus is. Consumers that do not fit in a line are counted in `more_consumers`. */
export const statusResponse = z.object({
  type: z.literal('status_response'),
  pid: z.int().nonnegative(),
  version: z.string(),
  uptime_ms: z.number().nonnegative(),
  consumers: z.array(consumer),
  more_consumers: z.int().nonnegative().exactOptional(),
  sources: z.array(z.object(sourceFacts)),
});

/** What the bus says of itself. */
export type StatusResponse = z.infer<typeof statusResponse>;
