import { createHash } from 'node:crypto';
import type { PreparedConsume } from '@weir/event/consume';

/** More is told by its hash. */
const LONGEST = 900;

/**
 * What a consumer takes of its group's events: the key, its params and the expression. It acknowledges the others for
 * everybody, so that members of a group have to agree.
 */
export function groupTask({ key, params }: PreparedConsume, jq: string | undefined): string {
  const given = Object.entries(params)
    // A group is one of a project.
    .filter(([name, value]) => name !== 'project' && value !== undefined && String(value) !== '')
    .map(([name, value]) => `${name}=${String(value)}`)
    .sort();
  const text = [key.key, ...given, ...(jq === undefined ? [] : [`| ${jq}`])].join(' ');
  if (text.length <= LONGEST) return text;
  return `${key.key} ${createHash('sha256').update(text).digest('base64url')}`;
}
