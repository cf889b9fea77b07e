/** Places in the feed as requests name them. */
import type { FeedEnd, FeedStart } from '@weir/feed';
import { z } from 'zod';

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
