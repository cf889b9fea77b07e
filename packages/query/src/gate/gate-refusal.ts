import { QueryError } from '../query-error.js';

/** Which rule of the gate a text broke. Stable: callers and tests compare it. */
export type GateRule =
  /** Something other than SELECT, DESCRIBE of a public table, or EXPLAIN SYNTAX. */
  | 'statement'
  /** A SETTINGS clause, wherever it stands. */
  | 'settings'
  /** FORMAT, INTO OUTFILE, or anything else after the query itself. */
  | 'output'
  /** A table that is neither public nor defined by the query. */
  | 'table'
  | 'table_function'
  | 'function'
  /** A data type that a query may not make values of. */
  | 'type'
  /** A name in a string (a type, an aggregate function) that is not written out as a literal. */
  | 'literal'
  /** A time zone that is not written out, or names a file. */
  | 'time_zone'
  /** Integer division by something that is not constant. */
  | 'divisor'
  /** A quoted name that could be mistaken for the engine's own output. */
  | 'name'
  /** A parameter that stands for a name. */
  | 'parameter'
  /** A clause or a form of expression that nobody has reviewed. */
  | 'clause';

/** A refusal by one of the gate's rules. */
export function notAllowed(rule: GateRule, identifier: string, message: string, hint?: string): QueryError {
  return new QueryError('sql_not_allowed', message, {
    rule,
    // A name of a quarter megabyte helps nobody.
    identifier: identifier.length > 200 ? `${identifier.slice(0, 200)}…` : identifier,
    hint,
  });
}
