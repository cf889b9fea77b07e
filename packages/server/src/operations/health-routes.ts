import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseInput } from '../http/parse.js';
import { surface } from '../http/surface.js';
import type { Health } from './health.js';

/** Ignores other parameters, because load balancers may add some. */
const readiness = z.object({ for: z.literal('query', 'must be query').optional() });

/** GET /healthz, /livez and /readyz. They need no credential, and reveal no data of projects. */
export function healthRoutes(web: FastifyInstance, health: Health): void {
  web.get('/healthz', surface(null), async (_request, reply) => {
    const document = await health.document();
    return await reply.code(document.status === 'ok' ? 200 : 503).send(document);
  });
  web.get('/livez', surface(null), () => ({ status: 'ok' }));
  web.get('/readyz', surface(null), async (request, reply) => {
    const { for: what } = parseInput(readiness, request.query);
    const document = await health.readiness(what === 'query');
    return await reply.code(document.ready ? 200 : 503).send(document);
  });
}
