/** The members of `T`; those that may be undefined become optional members that are never undefined. */
export type Defined<T> = { readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/**
 * A copy of an object without the members that are undefined, for parameters and JSON in which a member is absent rather
 * than undefined.
 *
 * ```ts
 * const options = { name, ...defined({ group, prefetch }) };
 * ```
 */
export function defined<T extends object>(members: T): Defined<T> {
  const copy: Partial<T> = {};
  for (const name in members) if (members[name] !== undefined) copy[name] = members[name];
  // The cast holds: exactly the undefined members are missing.
  return copy as unknown as Defined<T>;
}
