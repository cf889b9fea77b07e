import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ProjectPlaces } from '../admission/project-places.js';
import { usageOf } from '../usage/request-usage.js';
import { Problem } from './problem.js';
import { whenDone } from './when-done.js';

/**
 * Takes a place for a request, which is given back when its answer is done or its client has left.
 * @throws Problem 429 `at_capacity`, which is noted in the usage record as a denial
 */
export function holdPlace(
  places: ProjectPlaces,
  projectId: string,
  { raw }: FastifyRequest,
  reply: FastifyReply,
): void {
  try {
    whenDone(raw, reply.raw, places.take(projectId));
  } catch (error) {
    if (error instanceof Problem) usageOf(raw)?.deny('at_capacity');
    throw error;
  }
}
