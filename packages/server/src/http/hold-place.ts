import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ProjectPlaces } from '../admission/project-places.js';
import { whenDone } from './when-done.js';

/**
 * Takes a place for a request; released when the response ends or the client disconnects.
 * @throws Problem 429 `at_capacity`
 */
export function holdPlace(
  places: ProjectPlaces,
  projectId: string,
  { raw }: FastifyRequest,
  reply: FastifyReply,
): void {
  whenDone(raw, reply.raw, places.take(projectId));
}
