import { createHash } from 'node:crypto';
import type { PreparedConsume } from '@weir/event/consume';

/** A longer description is replaced by its hash. */
const LONGEST = 900;

/**
 * Describes which events a group's consumer handles: key, params and jq expression. A member acknowledges the other
 * events for the whole group, so all members must have the same task.
 */
export function groupTask({ key, params }: PreparedConsume, jq: string | undefined): string {
  const given = Object.entries(params)
    // A group already belongs to one project.
    .filter(([name, value]) => name !== 'project' && value !== undefined && String(value) !== '')
    .map(([name, value]) => `${name}=${String(value)}`)
    .sort();
  const text = [key.key, ...given, ...(jq === undefined ? [] : [`| ${jq}`])].join(' ');
  if (text.length <= LONGEST) return text;
  return `${key.key} ${createHash('sha256').update(text).digest('base64url')}`;
}
