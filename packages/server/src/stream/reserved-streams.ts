/**
 * Streams that are kept elsewhere, under names that begin with `-/`: the route asks here first for each of them. They are
 * read and appended to like any other; they are made and removed where they are kept, so PUT and DELETE get 405.
 */
import type { StreamSource } from '@weir/channel/stream';
import type { FastifyRequest } from 'fastify';
import type { ChannelUser } from '../channel/channel-access.js';

/** Begins the names of streams that are kept elsewhere. */
export const RESERVED_PREFIX = '-/';

/** Where they are kept. */
export interface ReservedStreams {
  /**
   * Opens one for a caller, for as long as it is not released.
   * @param name without the prefix
   * @throws Problem, or an error that is one (http/problem-of.ts): 400, 403, 404, 409 or 410
   */
  open(caller: ChannelUser, name: string, request: FastifyRequest): Promise<StreamSource>;
}
