/**
 * A reference model of the public views: it applies the rules event by event in order of arrival; tests compare the SQL
 * with it.
 */
import { NO_IDS } from '@weir/base';
import type { EventRow } from './event-rows.js';

/** The expected content of the three views for one project. */
export interface ModelViews {
  /** The person of each event, by event id. */
  readonly events: ReadonlyMap<string, string | null>;
  readonly persons: ReadonlyMap<string, ModelPerson>;
  readonly sessions: ReadonlyMap<string, ModelSession>;
}

export interface ModelPerson {
  readonly first_seen: number;
  readonly last_seen: number;
  readonly event_count: number;
  readonly session_count: number;
  readonly timezone: string | null;
  readonly properties: unknown;
}

export interface ModelSession {
  readonly distinct_id: string | null;
  readonly started_at: number;
  readonly ended_at: number;
  readonly duration_ms: number;
  readonly event_count: number;
  readonly timezone: string | null;
  readonly entry_event: string;
  readonly exit_event: string;
}

type Json = Readonly<Record<string, unknown>>;

/** Computes the views of one project's events, given in any order. */
export function modelViews(rows: readonly EventRow[]): ModelViews {
  const arrived = rows.toSorted(byArrival);
  const personOf = readIdentity(arrived);
  const sessions = new Map<string, ModelSession>();
  for (const [id, own] of groupBy(arrived, (row) => row.sessionId)) {
    const people = own.map(personOf).filter((person) => person !== null);
    const times = own.map((row) => row.timestamp);
    // A stable sort keeps the order of arrival for equal timestamps.
    const byTime = own.toSorted((a, b) => a.timestamp - b.timestamp);
    sessions.set(id, {
      distinct_id: people[0] ?? null,
      started_at: Math.min(...times),
      ended_at: Math.max(...times),
      duration_ms: Math.max(...times) - Math.min(...times),
      event_count: own.length,
      timezone: lastTimezone(own),
      entry_event: byTime[0]?.event ?? '',
      exit_event: byTime.at(-1)?.event ?? '',
    });
  }
  const persons = new Map<string, ModelPerson>();
  for (const [id, own] of groupBy(arrived, personOf)) {
    const times = own.map((row) => row.timestamp);
    const theirs = [...sessions.values()].filter((session) => session.distinct_id === id);
    persons.set(id, {
      first_seen: Math.min(...times),
      last_seen: Math.max(...times),
      event_count: own.length,
      session_count: theirs.length,
      timezone: lastTimezone(own),
      properties: Object.fromEntries(own.flatMap(traits)),
    });
  }
  return { events: new Map(arrived.map((row) => [row.eventId, personOf(row)])), persons, sessions };
}

function readIdentity(arrived: readonly EventRow[]): (row: EventRow) => string | null {
  const userOf = new Map<string, string>();
  const keptOf = new Map<string, string>();
  const aliased = new Set<string>();
  const root = (user: string): string => {
    const kept = keptOf.get(user);
    return kept === undefined ? user : root(kept);
  };
  for (const { anonymousId, userId, event, properties } of arrived) {
    if (userId === null) continue;
    if (anonymousId !== null && !userOf.has(anonymousId)) userOf.set(anonymousId, userId);
    const named = event === '$alias' ? object(JSON.parse(properties)).alias : undefined;
    const alias = Number.isInteger(named) ? String(named) : named;
    if (typeof alias !== 'string' || NO_IDS.has(alias.trim().toLowerCase()) || alias === userId) continue;
    if (!userOf.has(alias)) userOf.set(alias, userId);
    if (aliased.has(alias)) continue;
    aliased.add(alias);
    if (root(userId) !== alias) keptOf.set(alias, userId);
  }
  return ({ anonymousId, userId }) => {
    const user = userId ?? (anonymousId === null ? undefined : userOf.get(anonymousId));
    return user === undefined ? anonymousId : root(user);
  };
}

function lastTimezone(rows: readonly EventRow[]): string | null {
  const named = rows.map((row) => object(JSON.parse(row.properties)).$timezone);
  return named.findLast((zone): zone is string => typeof zone === 'string' && zone !== '') ?? null;
}

function traits(row: EventRow): [string, unknown][] {
  if (row.event !== '$identify') return [];
  const properties = object(JSON.parse(row.properties));
  const set = properties.$set;
  if (typeof set === 'object' && set !== null && !Array.isArray(set)) return Object.entries(set);
  return Object.entries(properties).filter(([key]) => !key.startsWith('$'));
}

function object(value: unknown): Json {
  // Any object can be read as a record; the types of its values are unknown.
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function byArrival(a: EventRow, b: EventRow): number {
  return a.place[0] - b.place[0] || a.place[1] - b.place[1] || a.place[2] - b.place[2];
}

function groupBy(
  rows: readonly EventRow[],
  keyOf: (row: EventRow) => string | null,
): Map<string, EventRow[]> {
  const groups = new Map<string, EventRow[]>();
  for (const row of rows) {
    const key = keyOf(row);
    if (key === null) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}
