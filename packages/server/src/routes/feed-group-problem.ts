import { WeirError } from '@weir/base';
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
    return new WeirError('group_not_found', error.message, {
      status: 404,
      hint: 'make it first: PUT /api/v1/projects/{id}/feed/groups/{name}',
    });
  }
  if (error instanceof FeedGroupExists) {
    return new WeirError('group_exists', error.message, {
      status: 409,
      errors: [{ path: error.option, reason: 'differs' }],
      hint: 'leave the option out to take the group as it is, take another name, or DELETE the group with what it has pending',
    });
  }
  if (error instanceof TooManyFeedGroups) {
    return new WeirError('too_many_groups', error.message, {
      status: 409,
      limit: error.limit,
      hint: 'DELETE groups nobody uses any more',
    });
  }
  if (error instanceof FeedExpired) {
    const { message, oldest, missed } = error;
    const hint = 'pull again: the group has gone on to the oldest; count the missed as lost';
    return new WeirError('cursor_expired', message, { status: 410, oldest, missed, hint });
  }
  if (error instanceof LogError && error.code === 'too_many_unacknowledged') {
    return new WeirError(error.code, error.message, {
      status: 429,
      limit: MAX_UNACKNOWLEDGED,
      retryAfterMs: 1_000,
      hint: 'ack or nack what this member has, or pull as another member',
    });
  }
  if (error instanceof LogError && error.code === 'cursor_invalid') {
    return new Problem('invalid_request', error.message, { hint: 'send ids as they were given' });
  }
  return error;
}
