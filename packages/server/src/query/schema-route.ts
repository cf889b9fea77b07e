/** GET /api/v1/projects/{id}/schema: the tables, events and properties that can be queried. */

import type { QueryService } from '@weir/query';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { CrossOrigin } from '../http/cors.js';
import { parseInput } from '../http/parse.js';
import { surface } from '../http/surface.js';
import { meterOf } from '../usage/request-usage.js';
import type { AnalysisAccess } from './access.js';

const querystring = z.strictObject({
  properties: z.enum(['0', '1', 'true', 'false'], 'must be 0 or 1').default('0'),
});

/** Adds the route. */
export function schemaRoute(
  web: FastifyInstance,
  access: AnalysisAccess,
  query: () => QueryService,
  crossOrigin: CrossOrigin,
): void {
  web.get<{ Params: { id: string } }>(
    '/api/v1/projects/:id/schema',
    surface('query', crossOrigin),
    async (request, reply) => {
      const projectId = await access.to(request, reply, request.params.id);
      const { properties } = parseInput(querystring, request.query);
      const tables = query().tables();
      if (properties === '0' || properties === 'false') return { tables };
      return { tables, events: await query().describeEvents(projectId, meterOf(request.raw)) };
    },
  );
}
