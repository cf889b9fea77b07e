/** The price of work in fuel, one integer for all kinds. The whole table is here, and in docs/usage.md. */
export const FUEL = {
  /** Any request. */
  request: 10,
  /** An accepted event. */
  event: 1,
  /** A call of an MCP tool, in addition to its request. */
  toolCall: 25,
  /** Rows that the engine reads for one unit. */
  rowsRead: 100_000,
  /** Milliseconds of the engine for one unit. */
  engineMs: 1,
  /** A message of a channel, in addition to its bytes. */
  channelMessage: 1,
  /** Total bytes of the payloads of a request's messages for one unit. */
  channelBytes: 64 * 1024,
  /** Delivered events of the feed, or messages of a channel, for one unit. */
  feedEvents: 10,
} as const;

/** Fuel of accepted events. */
export function fuelOfEvents(count: number): number {
  return FUEL.event * count;
}

/** The stack of ingest requests. */
const INGEST_STACK = 'ingest:POST /api/v1/ingest/events';

/** The number of events of a billed request, computed from its fuel: an ingest request has no other cost. */
export function billedEvents({ stack, fuel }: { readonly stack: string; readonly fuel: number }): number {
  return stack === INGEST_STACK ? Math.max(0, fuel - FUEL.request) / FUEL.event : 0;
}

/** Fuel of a query: whole units of rows and milliseconds; fractions do not count. */
export function fuelOfQuery(readRows: number, engineMs: number): number {
  return Math.floor(readRows / FUEL.rowsRead) + Math.floor(engineMs / FUEL.engineMs);
}

/** Fuel of deliveries by the feed or by channels. */
export function fuelOfDeliveries(events: number): number {
  return Math.floor(events / FUEL.feedEvents);
}

/** Fuel of messages appended to channels: one for each, and one for each whole 64 KiB of all their payloads. */
export function fuelOfMessages(count: number, bytes: number): number {
  return FUEL.channelMessage * count + Math.floor(bytes / FUEL.channelBytes);
}
