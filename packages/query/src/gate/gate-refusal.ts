import { QueryError } from '../query-error.js';

/** The rule of the gate that a text violated. Stable: callers and tests compare it. */
export type GateRule =
  /** A statement other than SELECT, DESCRIBE of a public table, or EXPLAIN SYNTAX. */
  | 'statement'
  /** A SETTINGS clause, at any position. */
  | 'settings'
  /** FORMAT, INTO OUTFILE, or any other text after the query itself. */
  | 'output'
  /** A table that is neither public nor defined by the query. */
  | 'table'
  | 'table_function'
  | 'function'
  /** A data type whose values a query may not create. */
  | 'type'
  /** A name in a string (a type, an aggregate function) that is not a literal. */
  | 'literal'
  /** A time zone that is not a literal, or names a file. */
  | 'time_zone'
  /** Integer division by a value that is not constant. */
  | 'divisor'
  /** A quoted name that could imitate the engine's own output. */
  | 'name'
  /** A parameter in place of a name. */
  | 'parameter'
  /** A clause or a form of expression without a review. */
  | 'clause';

/** A rejection by a rule of the gate. */
export function notAllowed(rule: GateRule, identifier: string, message: string, hint?: string): QueryError {
  return new QueryError('sql_not_allowed', message, {
    rule,
    // A name of 250 kB helps no reader.
    identifier: identifier.length > 200 ? `${identifier.slice(0, 200)}…` : identifier,
    hint,
  });
}
