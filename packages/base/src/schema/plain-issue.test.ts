import { expect, test } from 'vitest';
import * as z from 'zod';
import { plainIssue } from './plain-issue.js';

const schema = z.strictObject({
  name: z.string().min(1).max(3).optional(),
  count: z.int().min(1).max(9).optional(),
  ratio: z.number().gt(0).optional(),
  isOn: z.boolean().optional(),
  ids: z.array(z.uuid()).min(1).optional(),
  at: z.iso.datetime().optional(),
  mode: z.enum(['a', 'b']).optional(),
  either: z.union([z.string(), z.array(z.string())]).optional(),
  own: z.string('must be what I say').optional(),
  facts: z.record(z.string(), z.json()).optional(),
});

test.each<[object | string, string]>([
  [{ name: 5 }, 'name must be a string'],
  [{ name: '' }, 'name must have at least 1 character'],
  [{ name: 'abcd' }, 'name must have at most 3 characters'],
  [{ count: 1.5 }, 'count must be a whole number'],
  [{ count: 0 }, 'count must be at least 1'],
  [{ ratio: 0 }, 'ratio must be more than 0'],
  [{ isOn: 'yes' }, 'isOn must be true or false'],
  [{ ids: [] }, 'ids must have at least 1 item'],
  [{ ids: ['x'] }, 'ids.0 must be a UUID'],
  [{ at: 'now' }, 'at must be a time such as 2026-11-21T16:00:00Z'],
  [{ mode: 'c' }, 'mode must be one of a, b'],
  [{ either: 5 }, 'either has a form that is not known here'],
  [{ own: 5 }, 'own must be what I say'],
  [{ facts: 'x' }, 'facts must be a JSON object'],
  [{ nmae: 'x' }, ' there is no "nmae" here'],
  ['x', ' must be a JSON object'],
])('%j: %s', (input, expected) => {
  const [issue] = schema.safeParse(input, { error: plainIssue }).error?.issues ?? [];
  expect(`${issue?.path.join('.')} ${issue?.message}`).toBe(expected);
});

test('a missing member is reported as missing', () => {
  const parsed = z.object({ name: z.string() }).safeParse({}, { error: plainIssue });
  expect(parsed.error?.issues[0]?.message).toBe('is missing, must be a string');
});
