import type { IngestService } from '@weir/ingest';
import type { FastifyInstance } from 'fastify';
import type { Authorizer } from '../http/authorize.js';

/** GET /api/v1/ingest/receipts/{receipt}: what has become of the events of one request. */
export function receiptRoutes(web: FastifyInstance, authorizer: Authorizer, service: IngestService): void {
  web.get<{ Params: { receipt: string } }>('/api/v1/ingest/receipts/:receipt', async (request) => {
    const projectId = await authorizer.project(request);
    return await service.receipt(projectId, request.params.receipt);
  });
}
