import { defined } from '@weir/base';

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

/** Where in the text, as it was sent. */
export interface SqlPosition {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** From 0, in UTF-16 units. */
  readonly offset: number;
}

/** What a {@link GateRefusal} carries. */
export interface GateRefusalInit {
  readonly code: 'sql_required' | 'sql_invalid' | 'sql_not_allowed' | 'query_too_large';
  readonly message: string;
  readonly rule?: GateRule;
  /** The name the rule is about. */
  readonly identifier?: string;
  readonly position?: SqlPosition;
  /** What to write instead. */
  readonly hint?: string;
}

/** The text may not run. Its message and hint are for whoever wrote the SQL, a person or a model. */
export class GateRefusal extends Error {
  readonly code: GateRefusalInit['code'];
  readonly rule?: GateRule;
  readonly identifier?: string;
  readonly position?: SqlPosition;
  readonly hint?: string;

  constructor(init: GateRefusalInit) {
    super(init.message);
    this.name = 'GateRefusal';
    this.code = init.code;
    if (init.rule !== undefined) this.rule = init.rule;
    if (init.identifier !== undefined) this.identifier = init.identifier;
    if (init.position !== undefined) this.position = init.position;
    if (init.hint !== undefined) this.hint = init.hint;
  }
}

/** A refusal by one of the gate's rules. */
export function notAllowed(rule: GateRule, identifier: string, message: string, hint?: string): GateRefusal {
  return new GateRefusal({
    code: 'sql_not_allowed',
    rule,
    // A name of a quarter megabyte helps nobody.
    identifier: identifier.length > 200 ? `${identifier.slice(0, 200)}…` : identifier,
    message,
    ...defined({ hint }),
  });
}
