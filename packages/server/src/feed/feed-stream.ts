import { FEED_KINDS } from '@weir/feed';
import { z } from 'zod';

/** The name of a stream of the feed; the default is `events`. */
export const streamName = z.enum(FEED_KINDS, `must be one of ${FEED_KINDS.join(', ')}`);
