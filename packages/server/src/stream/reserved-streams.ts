/**
 * Streams that are kept elsewhere, under names that begin with `-/`: the route asks here first for each of them. They are
 * read and appended to like any other; they are made and removed where they are kept, so PUT and DELETE get 405.
 */
import type { StreamSource } from '@weir/stream';
import type { ChannelUser } from '../channel/channel-access.js';
import { Problem } from '../http/problem.js';

/** Begins the names of streams that are kept elsewhere. */
export const RESERVED_PREFIX = '-/';

/** Where they are kept. */
export interface ReservedStreams {
  /**
   * Opens one for a caller, for as long as it is not released.
   * @param name without the prefix
   * @throws Problem 403, 404 or 410
   */
  open(caller: ChannelUser, name: string): Promise<StreamSource>;
}

/** There are none. */
export const NO_RESERVED_STREAMS: ReservedStreams = {
  open: async () => {
    throw new Problem(404, 'stream_not_found', 'names that begin with "-/" are reserved', {
      hint: 'use a name that begins otherwise',
    });
  },
};
