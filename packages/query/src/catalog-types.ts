export type { PublicColumn as ColumnEntry, PublicTable as TableEntry } from '@weir/clickhouse';

/** One event name of a project. */
export interface EventEntry {
  readonly event: string;
  readonly count: number;
  /** RFC 3339, UTC. */
  readonly first_seen: string;
  readonly last_seen: string;
}

/** One property key of an event, as seen in a sample of its newest events. */
export interface PropertyEntry {
  readonly key: string;
  /** JSON types observed: `string`, `number`, `boolean`, `object`, `array`, `null`; the most frequent first. */
  readonly types: readonly string[];
  /** Events of the sample that have it. */
  readonly count: number;
  /** A few different values as JSON text, each cut at 100 characters. */
  readonly examples: readonly string[];
}

/** An event name and its property keys. */
export interface EventProperties extends EventEntry {
  /** Events looked at. */
  readonly sampled: number;
  /** The most frequent first; at most 100. */
  readonly properties: readonly PropertyEntry[];
}
