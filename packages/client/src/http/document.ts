/**
 * The server writes names in snake_case, the client in camelCase. Only the names of a document itself are changed: what is
 * inside may be a user's own, such as an event or its properties.
 */
import { WeirError } from '../weir-error.js';

/**
 * A document of the server under the client's names.
 * @param T the form of such a document: a Weir server's answers are of one form
 * @throws WeirError `unexpected_answer` for what is not an object
 */
export function documentOf<T extends object>(given: unknown): T {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new WeirError('unexpected_answer', 'the server does not answer with a document');
  }
  return renamed(given, (name) =>
    name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  ) as T;
}

/** A list of documents, from a member of an answer. @throws WeirError `unexpected_answer` */
export function documentsOf<T extends object>(given: unknown, member: string): T[] {
  const list = documentOf<Record<string, unknown>>(given)[member];
  if (Array.isArray(list)) return list.map((one) => documentOf<T>(one));
  throw new WeirError('unexpected_answer', `the server does not answer with ${member}`);
}

/** A number, from a member of an answer. @throws WeirError `unexpected_answer` */
export function countOf(given: unknown, member: string): number {
  const count = documentOf<Record<string, unknown>>(given)[member];
  if (typeof count === 'number') return count;
  throw new WeirError('unexpected_answer', `the server does not answer with ${member}`);
}

/** A document under the server's names. */
export function wireOf(given: object): Record<string, unknown> {
  return renamed(given, (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

function renamed(given: object, rename: (name: string) => string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [rename(name), value]));
}
