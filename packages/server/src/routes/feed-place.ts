/** Places in the feed as requests name them. */
import { WeirError } from '@weir/base';
import { type FeedEnd, FeedExpired, type FeedStart } from '@weir/feed';
import { LogError } from '@weir/log';
import { z } from 'zod';
import { Problem } from '../http/problem.js';

/** The place a text stands for: `latest`, `earliest`, a time, or else a cursor. */
export function startOf(after: string): FeedStart {
  if (after === 'latest' || after === 'earliest') return after;
  if (!z.iso.datetime({ offset: true }).safeParse(after).success) return { after };
  return { at: new Date(after) };
}

/** The end that a text stands for: `latest`, or else a cursor. */
export function endOf(until: string): FeedEnd {
  return until === 'latest' ? until : { after: until };
}

/**
 * The problem with a place, where it is one.
 * @param parameter what named the place
 */
export function problemOfPlace(error: unknown, parameter: 'after' | 'from' | 'until'): unknown {
  if (error instanceof FeedExpired) {
    const { message, oldest, missed } = error;
    const hint = `go on with ${parameter}=<oldest>, and count the missed as lost`;
    return new WeirError('cursor_expired', message, { status: 410, oldest, missed, hint });
  }
  if (error instanceof LogError && error.code === 'epoch_mismatch') {
    const hint = `go on with ${parameter}=earliest`;
    return new WeirError('cursor_expired', 'the cursor belongs to a feed that is gone', {
      status: 410,
      hint,
    });
  }
  if (error instanceof LogError && error.code === 'cursor_invalid') {
    return new Problem('invalid_request', `${parameter}: ${error.message}`, {
      hint: parameter === 'until' ? END_FORMS : START_FORMS,
    });
  }
  return error;
}

const START_FORMS = 'a cursor of this feed, latest, earliest, or a time such as 2026-11-21T16:00:00Z';
const END_FORMS = 'a cursor of this feed, or latest';
