import { plainIssue } from '@weir/base';
import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { Problem } from './problem.js';

/**
 * Validates a part of a request against its schema.
 * @throws Problem 400 `invalid_request` that names every mistake
 */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input ?? {}, { error: plainIssue });
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const errors = issues.map(({ path, message }) => ({ path: path.join('.'), reason: message }));
  const [first] = errors;
  const detail =
    first === undefined
      ? 'invalid request'
      : first.path === ''
        ? first.reason
        : `${first.path}: ${first.reason}`;
  const hint = hintFor(schema, issues);
  throw new Problem('invalid_request', detail, { errors, hint });
}

/** Maximum names in a hint, and the longest name that is compared: the cost is the product of the lengths. */
const LISTED = 20;
const MAX_NAME = 100;

/** The known members, if an unknown one was given. */
function hintFor(schema: z.ZodType, issues: readonly z.core.$ZodIssue[]): string | undefined {
  const issue = issues.find((one) => one.code === 'unrecognized_keys');
  if (issue === undefined || issue.path.length > 0 || !(schema instanceof z.ZodObject)) return undefined;
  const known = Object.keys(schema.shape);
  const [wrong = ''] = issue.keys;
  if (known.length === 0) return 'leave it out: nothing can be given here';
  const near = wrong.length > MAX_NAME ? '' : closest(wrong, known);
  const isNear = near !== '' && distance(wrong, near) <= Math.max(2, Math.floor(wrong.length / 3));
  return isNear
    ? `did you mean ${near}?`
    : `leave it out, or give one of ${known.slice(0, LISTED).join(', ')}`;
}
