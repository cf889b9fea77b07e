import {
  FeedExpired,
  FeedGroupExists,
  FeedGroupMissing,
  MAX_UNACKNOWLEDGED,
  TooManyFeedGroups,
} from '@weir/feed';
import { LogError } from '@weir/log';
import { Problem } from '../http/problem.js';

/** The problem an error of a group is; any other error as it came. */
export function problemOfGroup(error: unknown): unknown {
  if (error instanceof FeedGroupMissing) {
    return new Problem(404, 'group_not_found', error.message, {
      hint: 'make it first: PUT /api/v1/projects/{id}/feed/groups/{name}',
    });
  }
  if (error instanceof FeedGroupExists) {
    return new Problem(409, 'group_exists', error.message, {
      errors: [{ path: error.option, reason: 'differs' }],
      hint: 'leave the option out to take the group as it is, take another name, or DELETE the group with what it has pending',
    });
  }
  if (error instanceof TooManyFeedGroups) {
    return new Problem(409, 'too_many_groups', error.message, {
      limit: error.limit,
      hint: 'DELETE groups nobody uses any more',
    });
  }
  if (error instanceof FeedExpired) {
    const { message, oldest, missed } = error;
    const hint = 'pull again: the group has gone on to the oldest; count the missed as lost';
    return new Problem(410, 'cursor_expired', message, { oldest, missed, hint });
  }
  if (error instanceof LogError && error.code === 'too_many_unacknowledged') {
    return new Problem(429, error.code, error.message, {
      limit: MAX_UNACKNOWLEDGED,
      retryAfterSeconds: 1,
      hint: 'ack or nack what this member has, or pull as another member',
    });
  }
  if (error instanceof LogError && error.code === 'cursor_invalid') {
    return new Problem(400, 'invalid_request', error.message, { hint: 'send ids as they were given' });
  }
  if (error instanceof LogError && error.status === 503) {
    return new Problem(503, error.code, error.message, { retryAfterSeconds: 2 }, { cause: error });
  }
  return error;
}
