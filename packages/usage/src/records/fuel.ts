/** What work costs, in fuel: one integer for all of it. The whole table is here, and in docs/usage.md. */
export const FUEL = {
  /** Any request. */
  request: 10,
  /** An accepted event. */
  event: 1,
  /** A call of an MCP tool, besides its request. */
  toolCall: 25,
  /** Rows the engine reads for one. */
  rowsRead: 100_000,
  /** Milliseconds of the engine for one. */
  engineMs: 1,
  /** A message of a channel, besides its bytes. */
  channelMessage: 1,
  /** Bytes of the payloads of a request's messages, together, for one. */
  channelBytes: 64 * 1024,
  /** Events the feed delivers, or messages a channel, for one. */
  feedEvents: 10,
} as const;

/** Fuel of accepted events. */
export function fuelOfEvents(count: number): number {
  return FUEL.event * count;
}

/** Stack of the requests that bring events. */
const INGEST_STACK = 'ingest:POST /api/v1/ingest/events';

/** How many events a request brought that is billed, by its fuel: nothing else of an ingest request costs any. */
export function billedEvents({ stack, fuel }: { readonly stack: string; readonly fuel: number }): number {
  return stack === INGEST_STACK ? Math.max(0, fuel - FUEL.request) / FUEL.event : 0;
}

/** Fuel of a question to the engine: whole rows and milliseconds, begun ones left out. */
export function fuelOfQuery(readRows: number, engineMs: number): number {
  return Math.floor(readRows / FUEL.rowsRead) + Math.floor(engineMs / FUEL.engineMs);
}

/** Fuel of events delivered by the feed, or messages by channels. */
export function fuelOfDeliveries(events: number): number {
  return Math.floor(events / FUEL.feedEvents);
}

/** Fuel of messages appended to channels: one each, and one for each whole 64 KiB of all their payloads. */
export function fuelOfMessages(count: number, bytes: number): number {
  return FUEL.channelMessage * count + Math.floor(bytes / FUEL.channelBytes);
}
