import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Health } from '../health.js';
import { parseInput } from '../http/parse.js';

/** Other parameters are ignored, because load balancers may add some. */
const readiness = z.object({ for: z.literal('query', 'must be query').optional() });

/** GET /healthz, /livez and /readyz. None needs a credential, and none shows anything of a project. */
export function healthRoutes(web: FastifyInstance, health: Health): void {
  web.get('/healthz', async (_request, reply) => {
    const document = await health.document();
    return await reply.code(document.status === 'ok' ? 200 : 503).send(document);
  });
  web.get('/livez', () => ({ status: 'ok' }));
  web.get('/readyz', async (request, reply) => {
    const { for: what } = parseInput(readiness, request.query);
    const document = await health.readiness(what === 'query');
    return await reply.code(document.ready ? 200 : 503).send(document);
  });
}
