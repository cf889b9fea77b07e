/** An event to be sent, with the names that it has in SQL and on the feed. Other members are kept in `extras`. */
export interface NewEvent {
  /** 1 to 512 bytes; names that start with `weir.` are reserved. */
  readonly event: string;
  /** When it happened; default now. Integers are milliseconds since 1970. */
  readonly timestamp?: Date | string | number;
  /** Sent again within 24 hours, an event with the same id is a duplicate; default a new UUID. */
  readonly event_id?: string;
  readonly user_id?: string | number | null;
  readonly anonymous_id?: string | number | null;
  readonly session_id?: string | number | null;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** An event with its id and time. */
export type IdentifiedEvent = NewEvent & Required<Pick<NewEvent, 'event_id' | 'timestamp'>>;

/**
 * Copies of events that have an id and a time, so that they can be sent in several calls and are counted once. `ingest` does
 * the same for events without: its own retries are safe, and only a program that repeats a failed call needs this.
 *
 * ```ts
 * const events = withIds(orders.map((order) => ({ event: 'order', properties: order })));
 * await weir.ingest(events).catch(() => weir.ingest(events));
 * ```
 */
export function withIds(events: readonly NewEvent[]): IdentifiedEvent[] {
  const now = new Date();
  return events.map((event) => ({
    ...event,
    event_id: event.event_id ?? crypto.randomUUID(),
    timestamp: event.timestamp ?? now,
  }));
}
