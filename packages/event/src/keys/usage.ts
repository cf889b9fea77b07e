import * as z from 'zod';
import { defineKey } from '../key/key-definition.js';

/**
 * A usage record in JSON: docs/usage.md. Values that are unknown, 0 or false are omitted, except `billable` and the
 * byte counts.
 */
const usageDocument = z
  .looseObject({
    id: z.string().describe('The record itself: repeated deliveries have the same'),
    time: z.iso.datetime().describe('End of the request'),
    node_id: z.string().describe('The node that answered'),
    epoch: z.string().describe("One start of that node's server"),
    version: z.literal(1),
    rid: z.string().describe("The request's id, as in X-Request-Id"),
    tenant: z.string().describe('Id of the project'),
    principal: z.string().optional().describe('Id of the credential, or `operator`'),
    src: z
      .enum(['http', 'mcp', 'ws', 'cron', 'tcp', 'compute'])
      .describe("Where it came in; `compute` is the engine's share of a request"),
    parent: z.string().optional().describe('Of a `compute` record: the id of its request'),
    stack: z.string().describe('Surface, method and route, such as `ingest:POST /api/v1/ingest/events`'),
    duration_ms: z.int().describe('From the first byte read to the last written'),
    status: z.enum(['ok', 'error']),
    http_status: z.int().optional().describe('Absent when no answer was begun'),
    bytes_in: z.int(),
    bytes_out: z.int(),
    mem_bytes: z.int().optional().describe('Peak memory of the engine'),
    fuel: z.int().optional().describe('Metered work'),
    admission_denied: z.literal(true).optional().describe('Rejected by admission control'),
    admission_reason: z
      .enum(['suspended', 'payment_required', 'rate_limited', 'at_capacity', 'draining'])
      .optional(),
    billable: z.boolean(),
  })
  .describe('What one request of the project cost');

/** `weir.usage`: one record per request of a project. */
export const usage = defineKey({
  key: 'weir.usage',
  displayName: 'Usage record',
  description: 'A record of every request to a project, successful or not',
  eventType: 'weir.usage',
  schema: { custom: { type: usageDocument } },
  scopes: ['feed'],
  authTypes: ['bot'],
  bufferSize: 1000,
});
