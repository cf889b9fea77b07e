/**
 * The types of a param, and what its hook gets: `string` text as given · `enum` one of `values` · `multi` a list,
 * empty when nothing is given · `bool` from `true` and `false` · `int` a whole number within ±2^53.
 */
export const PARAM_TYPES = ['string', 'enum', 'multi', 'bool', 'int'] as const;

/** One of {@link PARAM_TYPES}. */
export type ParamType = (typeof PARAM_TYPES)[number];

/** A value an `enum` or `multi` may have. */
export interface ParamValue {
  readonly value: string;
  /** What choosing it means; never empty, since an agent chooses by it. */
  readonly desc: string;
}

interface ParamFacts {
  /** Letters, digits, `_`, `-` and `.`, beginning with a letter or `_`. */
  readonly name: string;
  readonly description: string;
  /** Whether leaving it out is an error; default false. */
  readonly required?: boolean;
  /** What it is when left out, written as after `-p name=`; a `multi` is separated by commas. */
  readonly default?: string;
  /**
   * Whether it is part of the subscription's identity; default false. Mark a param only if the upstream's subscribe
   * and unsubscribe are scoped to that resource: otherwise the cleanup for one value ends the subscription that
   * consumers of another value share.
   */
  readonly subscriptionKey?: boolean;
}

interface FreeParam<T extends ParamType> extends ParamFacts {
  readonly type: T;
}

interface ListedParam<T extends ParamType> extends ParamFacts {
  readonly type: T;
  readonly values: readonly ParamValue[];
}

interface OpenMultiParam extends ParamFacts {
  readonly type: 'multi';
  /** Says that the values cannot be listed, such as names of a project's own events: any text is taken. */
  readonly anyValue: true;
}

/** A param of a key: what may be written after `-p`. */
export type ParamDef =
  | FreeParam<'string'>
  | FreeParam<'bool'>
  | FreeParam<'int'>
  | ListedParam<'enum'>
  | ListedParam<'multi'>
  | OpenMultiParam;

/** The values of a param that lists them; undefined where any value of its type is taken. */
export function listedValues(def: ParamDef): readonly ParamValue[] | undefined {
  return 'values' in def ? def.values : undefined;
}
