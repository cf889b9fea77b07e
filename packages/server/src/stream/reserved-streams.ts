/**
 * Streams stored elsewhere, under names that begin with `-/`; the route asks this interface first for such names. They
 * are read and appended to like others, but created and removed where they are stored, so PUT and DELETE get 405.
 */
import type { StreamSource } from '@weir/channel/stream';
import type { FastifyRequest } from 'fastify';
import type { ChannelUser } from '../channel/channel-access.js';

/** The name prefix of streams stored elsewhere. */
export const RESERVED_PREFIX = '-/';

/** The provider of such streams. */
export interface ReservedStreams {
  /**
   * Opens a stream for a caller until it is released.
   * @param name without the prefix
   * @throws Problem, or an error that problem-of.ts converts: 400, 403, 404, 409 or 410
   */
  open(caller: ChannelUser, name: string, request: FastifyRequest): Promise<StreamSource>;
}
