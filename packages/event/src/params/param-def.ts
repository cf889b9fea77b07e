/**
 * Types of a param and their values in hooks. `string`: the text. `enum`: one of `values`. `multi`: a list, empty if
 * the param is omitted. `bool`: from `true` and `false`. `int`: an integer within ±2^53.
 */
export const PARAM_TYPES = ['string', 'enum', 'multi', 'bool', 'int'] as const;

/** One of {@link PARAM_TYPES}. */
export type ParamType = (typeof PARAM_TYPES)[number];

/** An allowed value of an `enum` or `multi`. */
export interface ParamValue {
  readonly value: string;
  /** Meaning of the value; never empty, because agents choose by it. */
  readonly desc: string;
}

interface ParamFacts {
  /** Letters, digits, `_`, `-` and `.`, starting with a letter or `_`. */
  readonly name: string;
  readonly description: string;
  /** True if omitting the param is an error; default false. */
  readonly required?: boolean;
  /** Value if the param is omitted, written as after `-p name=`; commas separate the values of a `multi`. */
  readonly default?: string;
  /**
   * True if the param is part of the subscription id; default false. Set it only if the upstream's subscribe and
   * unsubscribe apply to this value alone. Otherwise the cleanup for one value would end a subscription that consumers
   * of another value share.
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
  /** Accepts any text, because the values cannot be listed, such as the event names of a project. */
  readonly anyValue: true;
}

/** A param of a key, written after `-p`. */
export type ParamDef =
  | FreeParam<'string'>
  | FreeParam<'bool'>
  | FreeParam<'int'>
  | ListedParam<'enum'>
  | ListedParam<'multi'>
  | OpenMultiParam;

/** The listed values of a param; undefined if it accepts any value of its type. */
export function listedValues(def: ParamDef): readonly ParamValue[] | undefined {
  return 'values' in def ? def.values : undefined;
}
