import { codeOf } from '@weir/base';

/** A hook of Node's loader: what a file of keys may import though it is installed nowhere near that file. */

type Resolved = { readonly url: string };
type Next = (specifier: string, context: object) => Resolved | Promise<Resolved>;

const OURS = /^(@weir\/event(\/.*)?|zod(\/.*)?)$/;

/** Finds a module as always, and where it is not found the command's own, if it is one of those. */
export async function resolve(specifier: string, context: object, next: Next): Promise<Resolved> {
  try {
    return await next(specifier, context);
  } catch (error) {
    const isMissing = codeOf(error) === 'ERR_MODULE_NOT_FOUND';
    if (!isMissing || !OURS.test(specifier)) throw error;
    return await next(specifier, { ...context, parentURL: import.meta.url });
  }
}
