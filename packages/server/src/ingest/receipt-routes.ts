import type { IngestService } from '@weir/ingest';
import type { FastifyInstance } from 'fastify';
import type { TenantGate } from '../admission/tenant-gate.js';
import type { Authorizer } from '../http/authorize.js';
import type { CrossOrigin } from '../http/cors.js';
import { surface } from '../http/surface.js';

/** GET /api/v1/ingest/receipts/{receipt}: returns the state of the events of one request. */
export function receiptRoutes(
  web: FastifyInstance,
  authorizer: Authorizer,
  gate: TenantGate,
  service: IngestService,
  crossOrigin: CrossOrigin,
): void {
  const route = '/api/v1/ingest/receipts/:receipt';
  web.get<{ Params: { receipt: string } }>(route, surface('ingest', crossOrigin), async (request, reply) => {
    const credential = await authorizer.tokenOrKey(request);
    await gate.admit(request.raw, reply.raw, 'ingest', credential);
    return await service.receipt(credential.projectId, request.params.receipt);
  });
}
