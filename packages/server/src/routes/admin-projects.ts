/** Projects and their credentials, for the operator. */
import type { Projects } from '@weir/accounts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Authorizer } from '../http/authorize.js';
import { parseInput } from '../http/parse.js';
import { Problem } from '../http/problem.js';

const name = z.string().trim().min(1).max(200);
const newProject = z.strictObject({ name, id: z.guid().optional() });
const newToken = z.strictObject({
  name: name.default('default'),
  allowed_origins: z.array(z.string().min(1)).nullable().default(null),
});
const newKey = z.strictObject({
  name: name.default('default'),
  scopes: z.array(z.enum(['query', 'feed', 'process', 'channel', 'admin'])).min(1).default(['query']),
  expires_at: z.iso.datetime({ offset: true }).nullable().default(null),
});

/** /api/v1/admin/projects and below. */
export function adminProjectRoutes(web: FastifyInstance, authorizer: Authorizer, projects: Projects): void {
  const root = '/api/v1/admin/projects';
  type Named = { Params: { project: string; id: string } };

  web.addHook('preHandler', async (request) => {
    if (request.routeOptions.url?.startsWith(root) === true) authorizer.operator(request);
  });
}
