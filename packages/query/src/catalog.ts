import { LRUCache } from 'lru-cache';
import type { EventEntry, EventProperties, PropertyEntry } from './catalog-types.js';
import type { EngineMeter } from './engine-meter.js';
import { QueryError } from './query-error.js';

/** Runs one of the catalog's own queries; returns rows by position. */
export type AskCatalog = (
  projectId: string,
  sql: string,
  meter: EngineMeter | undefined,
  params?: Readonly<Record<string, string>>,
) => Promise<readonly (readonly unknown[])[]>;

/** Maximum event names. */
const MAX_EVENTS = 1_000;
/** Newest events of one name that are sampled for properties. */
const SAMPLE = 1_000;
/** Newest events of all names that are sampled for the properties of all names. */
const SAMPLE_OF_ALL = 50_000;
/** Maximum sampled events of each name. */
const SAMPLE_OF_EACH = 200;
const MAX_PROPERTIES = 100;
const EXAMPLES = 3;
const EXAMPLE_LENGTH = 100;
const MAX_AGE_MS = 60_000;
const MAX_CACHED = 1_000;

const EVENTS = `SELECT event, toString(count() AS n), min(timestamp), max(timestamp)
FROM events GROUP BY event ORDER BY n DESC, event LIMIT ${MAX_EVENTS}`;

/** The property keys of sampled events; \`sample\` has the columns event and properties. */
const properties = (sample: string): string => `WITH sample AS (${sample})
SELECT event, toString(any(sampled)), key, toString(countIf(value != '') AS n), topK(6)(type),
  groupUniqArray(${EXAMPLES})(substringUTF8(value, 1, ${EXAMPLE_LENGTH}))
FROM (
  SELECT event, sampled, pair.1 AS key, pair.2 AS value, toString(JSONType(value)) AS type
  FROM (SELECT event, properties, count() OVER (PARTITION BY event) AS sampled FROM sample)
  LEFT ARRAY JOIN JSONExtractKeysAndValuesRaw(properties) AS pair
)
GROUP BY event, key ORDER BY event, n DESC, key LIMIT ${MAX_PROPERTIES} BY event`;

const PROPERTIES_OF_ONE = properties(
  `SELECT event, properties FROM events WHERE event = {event:String} ORDER BY timestamp DESC LIMIT ${SAMPLE}`,
);
const PROPERTIES_OF_ALL = properties(
  `SELECT event, properties FROM (SELECT event, properties FROM events ORDER BY timestamp DESC LIMIT ${SAMPLE_OF_ALL})
   LIMIT ${SAMPLE_OF_EACH} BY event`,
);

/**
 * The event names and properties of a project: each is queried at most once a minute, and cached in between. Only the
 * meter of the call that causes a query is notified.
 */
export class Catalog {
  readonly #ask: AskCatalog;
  readonly #cache = new LRUCache<string, Promise<unknown>>({ max: MAX_CACHED, ttl: MAX_AGE_MS });

  constructor(ask: AskCatalog) {
    this.#ask = ask;
  }

  /** The event names, most frequent first. */
  events(projectId: string, meter?: EngineMeter): Promise<readonly EventEntry[]> {
    return this.#cached(`${projectId} events`, async () =>
      (await this.#ask(projectId, EVENTS, meter)).map(([event, count, first, last]) => ({
        event: String(event),
        count: Number(count),
        first_seen: String(first),
        last_seen: String(last),
      })),
    );
  }

  /** One event name with its property keys; null if the project has no such event. */
  async describeEvent(
    projectId: string,
    event: string,
    meter?: EngineMeter,
  ): Promise<EventProperties | null> {
    const [found, sampled] = await Promise.all([
      this.#event(projectId, event, meter),
      this.#cached(`${projectId} of ${event}`, async () =>
        byEvent(await this.#ask(projectId, PROPERTIES_OF_ONE, meter, { event })),
      ),
    ]);
    return found === null ? null : { ...found, ...(sampled.get(event) ?? NONE) };
  }

  /** All event names with their property keys, from a sample of the newest events. */
  async describeAll(projectId: string, meter?: EngineMeter): Promise<readonly EventProperties[]> {
    const [events, sampled] = await Promise.all([
      this.events(projectId, meter),
      this.#cached(`${projectId} properties`, async () =>
        byEvent(await this.#ask(projectId, PROPERTIES_OF_ALL, meter)),
      ),
    ]);
    return events.map((entry) => ({ ...entry, ...(sampled.get(entry.event) ?? NONE) }));
  }

  /** One event name; a name beyond the end of the list is queried separately. */
  async #event(projectId: string, event: string, meter: EngineMeter | undefined): Promise<EventEntry | null> {
    const events = await this.events(projectId, meter);
    const listed = events.find((entry) => entry.event === event);
    if (listed !== undefined || events.length < MAX_EVENTS) return listed ?? null;
    const [row] = await this.#ask(
      projectId,
      'SELECT toString(count()), min(timestamp), max(timestamp) FROM events WHERE event = {event:String}',
      meter,
      { event },
    );
    const [count, first, last] = row ?? [];
    if (Number(count) === 0) return null;
    return { event, count: Number(count), first_seen: String(first), last_seen: String(last) };
  }

  #cached<T>(key: string, load: () => Promise<T>): Promise<T> {
    // The cast holds: each key is used with one load function.
    const known = this.#cache.get(key) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const loading = load();
    this.#cache.set(key, loading);
    loading.catch(() => {
      if (this.#cache.peek(key) === loading) this.#cache.delete(key);
    });
    return loading;
  }
}

const NONE = { sampled: 0, properties: [] };

function byEvent(
  rows: readonly (readonly unknown[])[],
): Map<string, { sampled: number; properties: PropertyEntry[] }> {
  const events = new Map<string, { sampled: number; properties: PropertyEntry[] }>();
  for (const [event, sampled, key, count, types, examples] of rows) {
    const name = String(event);
    const entry = events.get(name) ?? { sampled: Number(sampled), properties: [] };
    events.set(name, entry);
    // The row of an event without properties: raw JSON is never empty.
    if (Number(count) === 0) continue;
    entry.properties.push({
      key: String(key),
      count: Number(count),
      types: [...new Set(texts(types).map((type) => JSON_TYPE[type] ?? 'null'))],
      examples: texts(examples).toSorted(),
    });
  }
  return events;
}

function texts(value: unknown): string[] {
  if (!Array.isArray(value))
    throw new QueryError('query_failed', 'the engine returned an unexpected answer to a catalog query');
  return value.map(String);
}

/** ClickHouse's names of JSON types, mapped to JSON's own. */
const JSON_TYPE: Readonly<Record<string, string>> = {
  String: 'string',
  Int64: 'number',
  UInt64: 'number',
  Double: 'number',
  Bool: 'boolean',
  Object: 'object',
  Array: 'array',
  Null: 'null',
};
