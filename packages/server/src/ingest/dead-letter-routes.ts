/**
 * Dead letters: the operator sees them without their contents, a project's own `admin` keys with them.
 *
 *     GET  …/dlq            depth, age and reasons      GET  …/dlq/letters       the letters
 *     POST …/dlq/retry      makes letters due now       GET  …/dlq/letters/{id}  one with its events (project only)
 *     POST …/dlq/purge      deletes letters
 */

import { defined } from '@weir/base';
import type { DeadLetterSummary, DlqAdmin } from '@weir/ingest';
import { SYSTEM_TENANT } from '@weir/usage';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { TenantGate } from '../admission/tenant-gate.js';
import type { Authorizer } from '../http/authorize.js';
import type { BodyReader } from '../http/body/body-reader.js';
import { parseInput } from '../http/parse.js';
import { Problem } from '../http/problem.js';
import { surface } from '../http/surface.js';

const filter = z.strictObject({
  id: z.string().optional(),
  project_id: z.string().optional(),
  reason: z.string().optional(),
  state: z.enum(['active', 'quarantined']).optional(),
});
const page = filter.extend({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.string().optional(),
});
/** The selection must be explicit: `{"all": true}` selects everything. */
const selection = filter.extend({ all: z.literal(true).optional() });

/** Adds both sets of routes. */
export function dlqRoutes(
  web: FastifyInstance,
  authorizer: Authorizer,
  gate: TenantGate,
  bodies: BodyReader,
  letters: DlqAdmin,
): void {
  addRoutes(web, '/api/v1/admin/dlq', { bodies, letters }, async (request) => {
    authorizer.operator(request);
    return null;
  });
  addRoutes(web, '/api/v1/projects/:id/dlq', { bodies, letters }, async (request, reply) => {
    // The cast holds: the path above has the parameter.
    const { id: project } = request.params as { id: string };
    const { projectId, keyId: tokenId } = await authorizer.apiKey(request, project, 'admin');
    await gate.admit(request.raw, reply.raw, 'admin', { projectId, tokenId });
    return projectId;
  });
}

function addRoutes(
  web: FastifyInstance,
  path: string,
  { bodies, letters }: { readonly bodies: BodyReader; readonly letters: DlqAdmin },
  /** The only project whose letters the caller may see with their contents; null for an operator. */
  scopeOf: (request: FastifyRequest, reply: FastifyReply) => Promise<string | null>,
): void {
  web.get(path, surface('admin'), async (request, reply) => {
    const scope = await scopeOf(request, reply);
    return await letters.overview(filterOf(parseInput(filter, request.query), scope));
  });
  web.get(`${path}/letters`, surface('admin'), async (request, reply) => {
    const scope = await scopeOf(request, reply);
    const { limit, after, ...chosen } = parseInput(page, request.query);
    const found = await letters.list(filterOf(chosen, scope), limit, after);
    return { letters: scope === null ? found.map(withoutContents) : found };
  });
  web.get<{ Params: { letter: string } }>(
    `${path}/letters/:letter`,
    surface('admin'),
    async (request, reply) => {
      const scope = await scopeOf(request, reply);
      const letter = await letters.show(request.params.letter);
      if (letter === null || (scope !== null && letter.project_id !== scope)) {
        throw new Problem('not_found', 'no such dead letter');
      }
      if (scope !== null) return letter;
      const { events, ...summary } = letter;
      return withoutContents(summary);
    },
  );
  web.post(`${path}/retry`, surface('admin'), async (request, reply) => {
    const scope = await scopeOf(request, reply);
    await bodies.receive(request, scope ?? SYSTEM_TENANT);
    return { retried: await letters.retry(chosenBy(request.body, scope)) };
  });
  web.post(`${path}/purge`, surface('admin'), async (request, reply) => {
    const scope = await scopeOf(request, reply);
    await bodies.receive(request, scope ?? SYSTEM_TENANT);
    return { purged: await letters.purge(chosenBy(request.body, scope)) };
  });
}

type Filter = z.output<typeof filter>;

function chosenBy(body: unknown, scope: string | null): ReturnType<typeof filterOf> {
  const { all, ...chosen } = parseInput(selection, body);
  if (all === undefined && Object.values(chosen).every((value) => value === undefined)) {
    throw new Problem(
      'invalid_request',
      'say which dead letters: id, project_id, reason, state, or all: true',
    );
  }
  return filterOf(chosen, scope);
}

function filterOf({ id, project_id, reason, state }: Filter, scope: string | null) {
  const projectId = scope ?? project_id;
  return {
    ...defined({ id, projectId, reason, state }),
  };
}

/** An error of ClickHouse may quote an event, and the operator must not read a project's events. */
function withoutContents({
  last_error,
  ...summary
}: DeadLetterSummary): Omit<DeadLetterSummary, 'last_error'> {
  return summary;
}
