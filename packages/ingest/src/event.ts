/**
 * One analytics event, decoded and ready to be checked. Field names are the wire's own: failed batches and log
 * entries outlive deploys, so they are never renamed.
 *
 * `properties` and `extras` are JSON texts of an object, so that numbers keep the digits they were sent with.
 */
export interface Event {
  /** Name; the empty string where it was missing. */
  readonly event: string;
  /** Epoch milliseconds; null where it was missing. */
  readonly timestamp: number | null;
  /** The client's id for this event, by which a retry is recognised; null lets the server give one. */
  readonly event_id: string | null;
  readonly anonymous_id: string | null;
  readonly user_id: string | null;
  readonly session_id: string | null;
  /** JSON object, `{}` when absent. */
  readonly properties: string;
  /** JSON object of everything else that was sent, `{}` when there was nothing. */
  readonly extras: string;
}

/** Why the event at `index` (0-based, in the request's `events`) was refused. */
export interface ValidationError {
  readonly index: number;
  readonly reason: string;
}

/** Bounds of one event (ingest specification, "The event"). */
export const EVENT_LIMITS = {
  /** Largest event, in bytes of its stored form. */
  eventBytes: 1024 * 1024,
  /** Longest event name, in UTF-8 bytes. */
  nameBytes: 512,
  /** Longest event_id, anonymous_id, user_id or session_id, in UTF-8 bytes. */
  idBytes: 1024,
  /** Earliest timestamp: 1970-01-01T00:00:00Z. */
  minTimestamp: 0,
  /** Timestamps end before 2200-01-01T00:00:00Z. */
  endTimestamp: Date.UTC(2200, 0, 1),
  /** Names with this prefix are Weir's own. */
  reservedPrefix: 'weir.',
} as const;
