/**
 * The links between ids, fed from events by materialized views, so that a question reads a row for each link and not
 * every event. Two tables:
 *
 * - `anonymous_links_v1`: an anonymous id and the user it belongs to, from every event that has both ids, and from `$alias`.
 * - `alias_links_v1`: a user id that joined another (`properties.alias` of `$alias`) and the user id that is kept.
 *
 * An alias may be a user id or an anonymous id: clients of Segment and PostHog send both. It does not say which, so it links
 * whichever exists.
 *
 * Of an id's links the first by arrival counts. That is a greatest `earliness`, which ReplacingMergeTree keeps when it
 * merges and the reader picks of what is not merged yet; a row inserted twice is harmless, and so is any order.
 *
 * Ids are kept as hashes: a question holds a project's links in memory, and a number takes an eighth of a string. Two
 * ids of one project that share all 64 bits would be taken for one; among ten million that has a chance of 1 in 400,000.
 */
import { NO_IDS } from '@weir/base';
import { PLACE } from './arrival.js';
import type { DatabaseNames } from './migration.js';
import { readable } from './readable-documents.js';

/** SQL of the key of a user id, by which links are found. */
export function userKey(userId: string): string {
  return `sipHash64(${userId})`;
}

/** SQL of the key of an anonymous id: never that of a user with the same name. */
export function anonymousKey(anonymousId: string): string {
  return `bitXor(sipHash64(${anonymousId}), toUInt64(1))`;
}

/** Longest id an event can have, in bytes; a longer alias is nobody's. */
const MAX_ID_BYTES = 1024;

/** The tables and what feeds them from now on. */
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

/** Links of the events that were there before their feed was. */
export function backfillLinks(names: DatabaseNames): readonly string[] {
  return linkSources(names).map(insertLinks(names));
}

/** Has the feeds read aliases as this version does, and the aliases that are stored. */
export function renewAliasLinks(names: DatabaseNames): readonly string[] {
  const feeds = linkSources(names);
  return [
    ...feeds.map(createFeed(names)),
    ...feeds.map(({ feed, select }) => `ALTER TABLE ${names.base}.${feed} MODIFY QUERY ${select}`),
    ...linkSources(names, readable('properties')).map(insertLinks(names)),
  ];
}

/**
 * The statements that link again what events already stored say, `where` being a condition on `events_raw_v1`.
 *
 * An insert writes its rows first and feeds the links after; one that failed or was cut off in between leaves rows
 * whose links are missing. Whoever finds rows of such an insert stored, and so does not insert them again, runs these.
 */
export function relinkStatements(names: DatabaseNames, where: string): readonly string[] {
  return linkSources(names).map((source) => `${insertLinks(names)(source)} AND (${where})`);
}

interface LinkSource {
  /** The materialized view that feeds the table. */
  readonly feed: string;
  readonly table: string;
  /** From the rows of `events_raw_v1`; ends in a WHERE. */
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

/** SQL of the id that an `$alias` names, as text; '' where there is none. An integer is an id too. */
function aliasIn(properties: string): string {
  const text = `JSONExtractRaw(${properties}, 'alias')`;
  return `multiIf(startsWith(${text}, '"'), JSONExtractString(${text}), match(${text}, '^-?[0-9]+$'), ${text}, '')`;
}

/** Texts that are no ids, see `NO_IDS`; blank ones too. */
const NO_ID = `(?i)^\\\\s*(${[...NO_IDS].map((text) => text.replace(/[[\]]/g, '\\\\$&')).join('|')})\\\\s*$`;

/** Nothing in these SELECTs may throw on any row: an insert of events would fail with it. */
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
