import type { FastifyInstance } from 'fastify';
import type { Health } from '../health.js';

/** GET /healthz, /livez and /readyz. None needs a credential, and none shows anything of a project. */
export function healthRoutes(web: FastifyInstance, health: Health): void {
  web.get('/healthz', async (_request, reply) => {
    const document = await health.document();
    return await reply.code(document.status === 'ok' ? 200 : 503).send(document);
  });
  web.get('/livez', () => ({ status: 'ok' }));
  web.get<{ Querystring: { for?: string } }>('/readyz', async (request, reply) => {
    const document = await health.readiness(request.query.for === 'query');
    return await reply.code(document.ready ? 200 : 503).send(document);
  });
}
