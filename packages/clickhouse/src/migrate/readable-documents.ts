/**
 * Repairs documents of earlier releases that ClickHouse cannot parse: lone surrogates, integers beyond 64 bits, more
 * than 1,000 levels. Ingest now replaces such values (`@weir/ingest`, odd-values); this does the same for stored rows.
 *
 * A mutation rewrites one part after another in the background, and only parts with such a row. ClickHouse stores the
 * mutation on disk and resumes it after a restart. It reads each document once. Its functions never throw on any text,
 * because a failed mutation is retried forever.
 */
import type { DatabaseNames } from './migration.js';

/** SQL that is true for rows of `events_raw_v1` with a document that JSON functions cannot parse. */
const UNREADABLE = 'NOT (isValidJSON(properties) AND isValidJSON(extras))';

/** Splits a JSON text into strings, numbers, and the text between them. */
const TOKENS = String.raw`'"(?:[^"\\\\]|\\\\.)*"|-?[0-9][0-9.eE+-]*|[^"0-9-]+|.'`;
/**
 * An escaped lone surrogate: `JSON.stringify` escapes no other. Group 2 contains backslashes that escape each other.
 */
const SURROGATE = String.raw`'(^|[^\\\\])((?:\\\\\\\\)*)\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}'`;
const IS_LONG = `match(t, '^-?[0-9]{19,}$') AND (length(t) > 20 OR toInt256OrZero(t) > 18446744073709551615 OR toInt256OrZero(t) < -9223372036854775808)`;

/** SQL of a document in a form that JSON functions can parse; a valid one is unchanged. */
export function readable(column: string): string {
  // One pass misses every second of consecutive surrogates: the character before it belongs to the previous match.
  const string = replaceSurrogates(replaceSurrogates('t'));
  const rewritten = `arrayStringConcat(arrayMap(t -> multiIf(startsWith(t, '"'), ${string}, ${IS_LONG}, concat('"', t, '"'), t), extractAll(${column}, ${TOKENS})))`;
  const whole = `concat('{"$unreadable":', toJSONString(${column}), '}')`;
  return `if(isValidJSON(${column}), ${column}, arrayMap(json -> if(isValidJSON(json), json, ${whole}), [${rewritten}])[1])`;
}

/** The statement that starts the rewrite of stored rows; it returns before the rewrite ends. */
export function rewriteUnreadable(names: DatabaseNames): string {
  return `ALTER TABLE ${names.base}.events_raw_v1
UPDATE properties = ${readable('properties')}, extras = ${readable('extras')}
WHERE ${UNREADABLE} SETTINGS mutations_sync = 0`;
}

function replaceSurrogates(text: string): string {
  return `replaceRegexpAll(${text}, ${SURROGATE}, '\\\\1\\\\2\ufffd')`;
}
