/**
 * The links between ids. Materialized views derive them from events, so that a query reads one row for each link
 * instead of every event. Two tables:
 *
 * - `anonymous_links_v1`: an anonymous id and its user, from every event that has both ids, and from `$alias`.
 * - `alias_links_v1`: a user id that was merged into another (`properties.alias` of `$alias`) and the user id that is
 *   kept.
 *
 * An alias may be a user id or an anonymous id, because clients of Segment and PostHog send both without distinction.
 * So it links whichever exists.
 *
 * Of the links of an id, the first by arrival counts. It has the greatest `earliness`, which ReplacingMergeTree keeps
 * when it merges and the reader selects among unmerged rows; duplicates and any order of inserts are harmless.
 *
 * Ids are stored as hashes: a query holds a project's links in memory, and a number takes an eighth of a string. Two
 * ids of one project with the same 64 bits would be confused; among ten million ids the probability is 1 in 400,000.
 */
import { NO_IDS } from '@weir/base';
import { PLACE } from './arrival.js';
import type { DatabaseNames } from './migration.js';
import { readable } from './readable-documents.js';

/** SQL of the key of a user id in the links. */
export function userKey(userId: string): string {
  return `sipHash64(${userId})`;
}

/** SQL of the key of an anonymous id; it differs from that of a user with the same name. */
export function anonymousKey(anonymousId: string): string {
  return `bitXor(sipHash64(${anonymousId}), toUInt64(1))`;
}

/** Maximum length of an event's ids, bytes; a longer alias cannot match any id. */
const MAX_ID_BYTES = 1024;

/** The tables, and the materialized views that fill them. */
export function createLinkTables(names: DatabaseNames): readonly string[] {
  return [
    ...['anonymous_links_v1', 'alias_links_v1'].map(
      (table) => `CREATE TABLE IF NOT EXISTS ${names.base}.${table}
(
  project_id UUID,
  id UInt64,
  user_id String,
  earliness UInt128
)
ENGINE = ReplacingMergeTree(earliness)
ORDER BY (project_id, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
    ),
    ...linkSources(names).map(createFeed(names)),
  ];
}

/** Links of the events that were stored before the materialized views existed. */
export function backfillLinks(names: DatabaseNames): readonly string[] {
  return linkSources(names).map(insertLinks(names));
}

/** Recreates the materialized views for aliases as of this version, and derives the links of stored aliases again. */
export function renewAliasLinks(names: DatabaseNames): readonly string[] {
  const feeds = linkSources(names);
  return [
    ...feeds.map(createFeed(names)),
    ...feeds.map(({ feed, select }) => `ALTER TABLE ${names.base}.${feed} MODIFY QUERY ${select}`),
    ...linkSources(names, readable('properties')).map(insertLinks(names)),
  ];
}

/**
 * The statements that derive links of stored events again; `where` is a condition on `events_raw_v1`.
 *
 * An insert writes its rows before the materialized views run; a failure in between leaves rows without links. A writer
 * that finds the rows of such an insert stored does not insert them again; it runs these statements.
 */
export function relinkStatements(names: DatabaseNames, where: string): readonly string[] {
  return linkSources(names).map((source) => `${insertLinks(names)(source)} AND (${where})`);
}

interface LinkSource {
  /** The materialized view that fills the table. */
  readonly feed: string;
  readonly table: string;
  /** Selects from `events_raw_v1`; ends in a WHERE. */
  readonly select: string;
}

const createFeed =
  (names: DatabaseNames) =>
  ({ feed, table, select }: LinkSource): string =>
    `CREATE MATERIALIZED VIEW IF NOT EXISTS ${names.base}.${feed} TO ${names.base}.${table} AS ${select}`;

const insertLinks =
  (names: DatabaseNames) =>
  ({ table, select }: LinkSource): string =>
    `INSERT INTO ${names.base}.${table} (project_id, id, user_id, earliness) ${select}`;

/** SQL of the id that an `$alias` names, as text; '' if there is none. An integer is an id too. */
function aliasIn(properties: string): string {
  const text = `JSONExtractRaw(${properties}, 'alias')`;
  return `multiIf(startsWith(${text}, '"'), JSONExtractString(${text}), match(${text}, '^-?[0-9]+$'), ${text}, '')`;
}

/** Texts that are not ids, see `NO_IDS`; blank ones too. */
const NO_ID = `(?i)^\\\\s*(${[...NO_IDS].map((text) => text.replace(/[[\]]/g, '\\\\$&')).join('|')})\\\\s*$`;

/** These SELECTs must not throw on any row: an insert of events would fail with them. */
function linkSources(names: DatabaseNames, properties = 'properties'): readonly LinkSource[] {
  const events = `${names.base}.events_raw_v1`;
  const earliness = `bitNot(${PLACE}) AS earliness`;
  const alias = aliasIn(properties);
  const hasAlias = `event = '$alias' AND e.user_id != '' AND NOT match(${alias}, '${NO_ID}') AND ${alias} != assumeNotNull(e.user_id) AND length(${alias}) <= ${MAX_ID_BYTES}`;
  return [
    {
      feed: 'anonymous_links_v1_feed',
      table: 'anonymous_links_v1',
      select: `SELECT project_id, ${anonymousKey('assumeNotNull(anonymous_id)')} AS id, assumeNotNull(e.user_id) AS user_id, ${earliness}
FROM ${events} AS e
WHERE anonymous_id != '' AND e.user_id != ''`,
    },
    {
      feed: 'alias_links_v1_feed',
      table: 'alias_links_v1',
      select: `SELECT project_id, ${userKey(alias)} AS id, assumeNotNull(e.user_id) AS user_id, ${earliness}
FROM ${events} AS e
WHERE ${hasAlias}`,
    },
    {
      feed: 'anonymous_alias_links_v1_feed',
      table: 'anonymous_links_v1',
      select: `SELECT project_id, ${anonymousKey(alias)} AS id, assumeNotNull(e.user_id) AS user_id, ${earliness}
FROM ${events} AS e
WHERE ${hasAlias}`,
    },
  ];
}
