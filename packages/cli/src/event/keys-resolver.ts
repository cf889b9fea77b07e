import { codeOf } from '@weir/base';

/** A Node loader hook: lets a keys file import the command's own packages although they are not installed near the file. */

type Resolved = { readonly url: string };
type Next = (specifier: string, context: object) => Resolved | Promise<Resolved>;

const OURS = /^(@weir\/event(\/.*)?|zod(\/.*)?)$/;

/** Resolves a module normally; if that fails, resolves the allowed packages from the command. */
export async function resolve(specifier: string, context: object, next: Next): Promise<Resolved> {
  try {
    return await next(specifier, context);
  } catch (error) {
    const isMissing = codeOf(error) === 'ERR_MODULE_NOT_FOUND';
    if (!isMissing || !OURS.test(specifier)) throw error;
    return await next(specifier, { ...context, parentURL: import.meta.url });
  }
}
