import * as z from 'zod';

const sourceFacts = {
  source: z.string(),
  state: z.enum(['connecting', 'connected', 'disconnected', 'reconnecting']),
  /** Arrival time of the last event: RFC 3339. */
  last_event_time: z.string().exactOptional(),
  /** Delay behind the upstream, in milliseconds. */
  lag_ms: z.number().nonnegative().exactOptional(),
  /** Why the source is not connected. */
  message: z.string().exactOptional(),
};

/** The bus sends this when the state of a source changes, when a consumer joins, and every 15 s as a heartbeat. */
export const sourceStatus = z.object({
  type: z.literal('source_status'),
  ...sourceFacts,
  /** The bus has delivered or filtered out every event up to here: the consumer can resume after this cursor. */
  cursor: z.string().exactOptional(),
  /** Number of events that this consumer missed and the source no longer has; `message` gives the reason. */
  missed: z.int().nonnegative().exactOptional(),
});

/** State of a source. */
export type SourceStatus = z.infer<typeof sourceStatus>;

/** Requests the status of the bus. */
export const statusQuery = z.object({ type: z.literal('status_query') });

const consumer = z.object({
  pid: z.int().nonnegative(),
  event_key: z.string(),
  subscription_id: z.string(),
  group: z.string().exactOptional(),
  on_slow: z.enum(['replay', 'drop-oldest', 'disconnect']),
  /** Events written to the consumer, events dropped for it, and events that wait for it now. */
  received: z.int().nonnegative(),
  dropped: z.int().nonnegative(),
  queued: z.int().nonnegative(),
});

/** Status of the bus. Consumers that do not fit in one line are counted in `more_consumers`. */
export const statusResponse = z.object({
  type: z.literal('status_response'),
  pid: z.int().nonnegative(),
  version: z.string(),
  uptime_ms: z.number().nonnegative(),
  consumers: z.array(consumer),
  more_consumers: z.int().nonnegative().exactOptional(),
  sources: z.array(z.object(sourceFacts)),
});

/** Status of the bus. */
export type StatusResponse = z.infer<typeof statusResponse>;
