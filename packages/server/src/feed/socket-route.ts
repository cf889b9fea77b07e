/**
 * WS   /api/v1/feed                        many streams, and groups, over one connection
 * POST /api/v1/projects/{id}/feed/ticket   what a browser opens it with
 */

import type { FastifyInstance } from 'fastify';
import { Problem } from '../http/problem.js';
import { surface } from '../http/surface.js';
import { upgradeOf } from '../http/upgrade.js';
import type { FeedAccess } from './feed-access.js';
import type { FeedSockets } from './socket/feed-sockets.js';
import { TICKET_MS } from './tickets.js';

/** Adds the routes. */
export function feedSocketRoutes(web: FastifyInstance, access: FeedAccess, sockets: FeedSockets): void {
  web.get('/api/v1/feed', surface('feed'), async (request, reply) => {
    if (upgradeOf(request.raw) === null) {
      throw new Problem('upgrade_required', 'this URL serves WebSockets only', {
        hint: 'open it as ws(s)://…/api/v1/feed, or follow one project over GET /api/v1/projects/{id}/feed',
        headers: { upgrade: 'websocket', connection: 'upgrade' },
      });
    }
    await sockets.serve(request, reply, null);
    return reply;
  });
  web.post<{ Params: { id: string } }>(
    '/api/v1/projects/:id/feed/ticket',
    surface('feed'),
    async (request, reply) => {
      const ticket = await access.issueTicket(request, reply, request.params.id);
      return reply.header('cache-control', 'no-store').send({ ticket, expires_in: TICKET_MS / 1000 });
    },
  );
}
