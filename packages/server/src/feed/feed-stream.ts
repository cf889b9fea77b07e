import { FEED_KINDS } from '@weir/feed';
import { z } from 'zod';

/** A stream of the feed as requests name it; those that name none mean `events`. */
export const streamName = z.enum(FEED_KINDS, `must be one of ${FEED_KINDS.join(', ')}`);
