import { FEED_KINDS } from '@weir/feed';
import { z } from 'zod';

/** A stream of the feed as requests name it. */
export const streamName = z.enum(FEED_KINDS, `must be one of ${FEED_KINDS.join(', ')}`).default('events');
