/** Parses places in the feed. */
import type { FeedEnd, FeedStart } from '@weir/feed';
import { z } from 'zod';

/** Parses a start: `latest`, `earliest`, a time, or otherwise a cursor. */
export function startOf(after: string): FeedStart {
  if (after === 'latest' || after === 'earliest') return after;
  if (!z.iso.datetime({ offset: true }).safeParse(after).success) return { after };
  return { at: new Date(after) };
}

/** Parses an end: `latest`, or otherwise a cursor. */
export function endOf(until: string): FeedEnd {
  return until === 'latest' ? until : { after: until };
}
