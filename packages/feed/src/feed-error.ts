import { type ErrorFacts, errorClass } from '@weir/base';

/** Facts of a {@link FeedError}. */
export interface FeedErrorFacts extends ErrorFacts {
  /** With `cursor_expired`: the oldest readable place; reading after it misses the fewest items. */
  readonly oldest?: string | undefined;
  /** With `cursor_expired`: the number of items that retention evicted in between. */
  readonly missed?: number | undefined;
}

/**
 * The error class of this package; errors of the log (`too_many_unacknowledged`, `log_full` and others) pass unchanged.
 *
 * - `group_not_found`: the project has no such group. `group_exists`: it exists with another option, which `errors`
 *   names.
 * - `too_many_groups`: the project has the maximum number of groups.
 * - `cursor_expired`: retention evicted items after the place. Without `oldest`: the feed of the cursor was lost.
 * - `invalid_request`: the text is not a cursor of this feed.
 */
export class FeedError extends errorClass({
  group_not_found: { status: 404, hint: 'create it first: PUT /api/v1/projects/{id}/feed/groups/{name}' },
  group_exists: {
    status: 409,
    hint: 'omit the option to use the existing group, use another name, or DELETE the group with its pending items',
  },
  too_many_groups: { status: 409, hint: 'DELETE groups without members' },
  cursor_expired: {
    status: 410,
    hint: 'continue after "oldest" and count the missed items as lost; a group has continued already: pull again',
  },
  invalid_request: {
    status: 400,
    hint: 'a cursor of this feed, latest, earliest, or a time such as 2026-11-21T16:00:00Z',
  },
}) {
  declare readonly facts: FeedErrorFacts;
}

/** Items that retention evicted before a reader received them. */
export interface FeedGap {
  readonly oldest: string;
  readonly missed: number;
}

/** The gap that an error reports; undefined for any other error. */
export function gapOf(error: unknown): FeedGap | undefined {
  if (!(error instanceof FeedError) || error.code !== 'cursor_expired') return undefined;
  const { oldest, missed } = error.facts;
  return oldest === undefined || missed === undefined ? undefined : { oldest, missed };
}

/** The error of a group that does not exist. */
export function groupMissing(group: string): FeedError {
  return new FeedError('group_not_found', `there is no group "${group}"`);
}

/** The error of a place after which items are missing. */
export function expired(
  oldest: string,
  missed: number,
  message = `${missed} items after this cursor are no longer kept`,
): FeedError {
  return new FeedError('cursor_expired', message, { oldest, missed });
}
