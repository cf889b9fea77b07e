import type { ParamDef } from './param-def.js';

/** Value of a param, in the type that its {@link ParamDef} names. */
export type ParamArgument = string | number | boolean | readonly string[];

/** Params of a key that is unknown at compile time. */
export type Params = { readonly [name: string]: ParamArgument | undefined };

type ArgumentOf<D> = D extends { readonly type: 'multi' }
  ? readonly ListedOf<D>[]
  : D extends { readonly type: 'enum' }
    ? ListedOf<D>
    : D extends { readonly type: 'bool' }
      ? boolean
      : D extends { readonly type: 'int' }
        ? number
        : string;

type ListedOf<D> = D extends { readonly values: readonly { readonly value: infer V }[] } ? V : string;

type AbsentOf<D> = D extends
  | { readonly required: true }
  | { readonly default: string }
  | { readonly type: 'multi' }
  ? never
  : undefined;

/**
 * The params that the hooks of a key get. A param is undefined only if it is not required, has no default and is not a
 * list.
 */
export type ParamsOf<P extends readonly ParamDef[]> = {
  readonly [D in P[number] as D['name']]: ArgumentOf<D> | AbsentOf<D>;
};
