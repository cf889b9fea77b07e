/** GET /api/v1/whoami: what the credential of the request gives access to. */

import type { FastifyInstance } from 'fastify';
import type { Authorizer } from '../http/authorize.js';
import { surface } from '../http/surface.js';

/** Adds the route. */
export function whoamiRoute(web: FastifyInstance, authorizer: Authorizer): void {
  web.get('/api/v1/whoami', surface(null), async (request) => {
    const found = await authorizer.anyApiKey(request);
    return {
      kind: 'api_key',
      project_id: found.projectId,
      key_id: found.keyId,
      scopes: found.scopes,
      expires_at: found.expiresAt?.toISOString() ?? null,
    };
  });
}
