/**
 * Documents of releases that stored what ClickHouse cannot read: lone surrogates, integers beyond 64 bits, more than 1,000
 * levels. Ingest replaces such values today (`@weir/ingest`, odd-values); this does the same for rows that are stored.
 *
 * A mutation rewrites one part after the other in the background, and only parts that hold such a row. ClickHouse keeps it on
 * disk and goes on with it after a restart. It reads each document once. No function in it throws on any text, because a
 * mutation that fails is tried forever.
 */
import type { DatabaseNames } from './migration.js';

/** SQL that is true for rows of `events_raw_v1` with a document that no JSON function reads. */
const UNREADABLE = 'NOT (isValidJSON(properties) AND isValidJSON(extras))';

/** A JSON text as strings, numbers, and what is between them. */
const TOKENS = String.raw`'"(?:[^"\\\\]|\\\\.)*"|-?[0-9][0-9.eE+-]*|[^"0-9-]+|.'`;
/** An escaped lone surrogate: `JSON.stringify` escapes no other. Group 2 are backslashes that escape each other. */
const SURROGATE = String.raw`'(^|[^\\\\])((?:\\\\\\\\)*)\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}'`;
const IS_LONG = `match(t, '^-?[0-9]{19,}$') AND (length(t) > 20 OR toInt256OrZero(t) > 18446744073709551615 OR toInt256OrZero(t) < -9223372036854775808)`;

/** SQL of a document as JSON functions can read it; a readable one stays as it is. */
export function readable(column: string): string {
  // Of consecutive surrogates, one pass leaves every second: the character before it belongs to the match before.
  const string = replaceSurrogates(replaceSurrogates('t'));
  const rewritten = `arrayStringConcat(arrayMap(t -> multiIf(startsWith(t, '"'), ${string}, ${IS_LONG}, concat('"', t, '"'), t), extractAll(${column}, ${TOKENS})))`;
  const whole = `concat('{"$unreadable":', toJSONString(${column}), '}')`;
  return `if(isValidJSON(${column}), ${column}, arrayMap(json -> if(isValidJSON(json), json, ${whole}), [${rewritten}])[1])`;
}

/** The statement that has stored rows rewritten. It returns before they are. */
export function rewriteUnreadable(names: DatabaseNames): string {
  return `ALTER TABLE ${names.base}.events_raw_v1
UPDATE properties = ${readable('properties')}, extras = ${readable('extras')}
WHERE ${UNREADABLE} SETTINGS mutations_sync = 0`;
}

function replaceSurrogates(text: string): string {
  return `replaceRegexpAll(${text}, ${SURROGATE}, '\\\\1\\\\2\ufffd')`;
}
