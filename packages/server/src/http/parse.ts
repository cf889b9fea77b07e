import type { z } from 'zod';
import { Problem } from './problem.js';

/**
 * A request's part, checked against its schema.
 * @throws Problem 400 `invalid_request` naming every mistake
 */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input ?? {});
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), reason: message }));
  const [first] = errors;
  const detail =
    first === undefined
      ? 'invalid request'
      : first.path === ''
        ? first.reason
        : `${first.path}: ${first.reason}`;
  throw new Problem('invalid_request', detail, { errors });
}
