export type { PublicColumn as ColumnEntry, PublicTable as TableEntry } from '@weir/clickhouse';

/** One event name of a project. */
export interface EventEntry {
  readonly event: string;
  readonly count: number;
  /** RFC 3339, UTC. */
  readonly first_seen: string;
  readonly last_seen: string;
}

/** One property key of an event, from a sample of its newest events. */
export interface PropertyEntry {
  readonly key: string;
  /** Observed JSON types: `string`, `number`, `boolean`, `object`, `array`, `null`; most frequent first. */
  readonly types: readonly string[];
  /** Events of the sample with the key. */
  readonly count: number;
  /** A few distinct values as JSON text, each cut at 100 characters. */
  readonly examples: readonly string[];
}

/** An event name and its property keys. */
export interface EventProperties extends EventEntry {
  /** Events in the sample. */
  readonly sampled: number;
  /** Most frequent first; at most 100. */
  readonly properties: readonly PropertyEntry[];
}
