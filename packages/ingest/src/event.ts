/**
 * One decoded analytics event, before validation. Field names are those of the wire: failed batches and log entries
 * outlive deployments, so they are never renamed.
 *
 * `properties` and `extras` are JSON texts of an object, so that numbers keep the digits that were sent.
 */
export interface Event {
  /** Name; the empty string if it is missing. */
  readonly event: string;
  /** Epoch milliseconds; null if it is missing. */
  readonly timestamp: number | null;
  /** The client's id of this event, by which a retry is recognised; if null, the server assigns one. */
  readonly event_id: string | null;
  readonly anonymous_id: string | null;
  readonly user_id: string | null;
  readonly session_id: string | null;
  /** JSON object, `{}` if absent. */
  readonly properties: string;
  /** JSON object with all other members, `{}` if there are none. */
  readonly extras: string;
}

/** Why the event at `index` (0-based, in the request's `events`) was rejected. */
export interface ValidationError {
  readonly index: number;
  readonly reason: string;
}

/** Limits of one event (ingest specification, "The event"). */
export const EVENT_LIMITS = {
  /** Maximum bytes of its stored form. */
  eventBytes: 1024 * 1024,
  /** Maximum event name, UTF-8 bytes. */
  nameBytes: 512,
  /** Maximum event_id, anonymous_id, user_id or session_id, UTF-8 bytes. */
  idBytes: 1024,
  /** Earliest timestamp: 1970-01-01T00:00:00Z. */
  minTimestamp: 0,
  /** Timestamps end before 2200-01-01T00:00:00Z. */
  endTimestamp: Date.UTC(2200, 0, 1),
  /** Names with this prefix are reserved for Weir. */
  reservedPrefix: 'weir.',
} as const;
