/**
 * GET /api/v1/projects/{id}/usage and, for the operator, /api/v1/admin/tenants/{id}/usage: totals of requests, by whole
 * hours.
 */

import {
  SYSTEM_TENANT,
  type TenantStates,
  USAGE_GROUPS,
  type UsageGroup,
  type UsageTotal,
  type UsageTotals,
} from '@weir/usage';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Authorizer } from '../http/authorize.js';
import { parseInput } from '../http/parse.js';
import { Problem } from '../http/problem.js';
import { surface } from '../http/surface.js';

const HOUR_MS = 3_600_000;
const DEFAULT_RANGE_MS = 30 * 24 * HOUR_MS;
const MAX_RANGE_MS = 400 * 24 * HOUR_MS;
/** Maximum rows of one answer. */
const MAX_ROWS = 10_000;
/** Memory is rounded as in query answers: exact figures would reveal data next to a project's rows (decision 14). */
const MEMORY_STEP = 16 * 2 ** 20;

const FIRST = new Date('1970-01-01');
const LAST = new Date('2200-01-01');

const time = z
  .union(
    [z.iso.datetime({ offset: true }), z.iso.date()],
    'must be a time such as 2026-11-21T16:00:00Z, or a date',
  )
  .transform((text) => new Date(text))
  .refine((time) => time >= FIRST && time < LAST, 'must be between the years 1970 and 2200');
const isGroup = (name: string): name is UsageGroup => USAGE_GROUPS.some((group) => group === name);
const querystring = z.strictObject({
  from: time.optional(),
  to: time.optional(),
  group_by: z
    .union([z.string(), z.array(z.string())])
    .transform((given) => [given].flat().flatMap((text) => text.split(',').map((name) => name.trim())))
    .refine((names) => names.every(isGroup), `must be some of ${USAGE_GROUPS.join(', ')}, comma separated`)
    .transform((names) => [...new Set(names.filter(isGroup))])
    .optional(),
});

interface OfProject {
  Params: { id: string };
}

/** Adds the routes. @param totals null if this server stores none */
export function usageRoutes(
  web: FastifyInstance,
  authorizer: Authorizer,
  tenants: TenantStates,
  totals: UsageTotals | null,
): void {
  // Not gated: a project suspended for its usage may still read it.
  web.get<OfProject>('/api/v1/projects/:id/usage', surface('admin'), async (request) => {
    const { projectId } = await authorizer.apiKey(request, request.params.id, 'query');
    return await read(request, totals, projectId, MEMORY_STEP);
  });
  web.get<OfProject>('/api/v1/admin/tenants/:id/usage', surface('admin'), async (request) => {
    authorizer.operator(request);
    const tenant = request.params.id.toLowerCase();
    if (tenant !== SYSTEM_TENANT && !z.guid().safeParse(tenant).success) {
      throw new Problem('not_found', 'no such project; use _sys for records without a project');
    }
    const found = await read(request, totals, tenant, 1);
    const isUsed = found.usage.some(({ requests }) => requests > 0);
    if (!isUsed && tenant !== SYSTEM_TENANT && (await tenants.get(tenant)) === null) {
      throw new Problem('not_found', 'no such project');
    }
    return found;
  });
}

interface UsageAnswer {
  readonly usage: readonly { readonly requests: number; readonly [figure: string]: unknown }[];
  readonly [field: string]: unknown;
}

/** @param memoryStep peak memory is rounded up to a multiple of this */
async function read(
  request: FastifyRequest,
  totals: UsageTotals | null,
  tenant: string,
  memoryStep: number,
): Promise<UsageAnswer> {
  const asked = parseInput(querystring, request.query);
  if (totals === null) {
    throw new Problem('usage_disabled', 'this server stores no usage totals', {
      hint: 'it needs WEIR_USAGE_ENABLED=true and "rollup" among WEIR_USAGE_SINKS',
    });
  }
  const to = ceil(asked.to ?? new Date());
  const from = floor(asked.from ?? new Date(to.getTime() - DEFAULT_RANGE_MS));
  const range = to.getTime() - from.getTime();
  if (range <= 0) throw new Problem('invalid_request', '"to" must be after "from"');
  if (range > MAX_RANGE_MS) throw new Problem('invalid_request', 'ask for at most 400 days at a time');
  const groupBy: readonly UsageGroup[] = asked.group_by ?? [];
  const rows = await totals.read({ tenant, from, to, groupBy, limit: MAX_ROWS + 1 });
  if (rows.length > MAX_ROWS) {
    throw new Problem('invalid_request', `more than ${MAX_ROWS} rows`, {
      limit: MAX_ROWS,
      hint: 'ask for a shorter time, for days instead of hours, or for fewer groups',
    });
  }
  const usage = rows.map((row) => documentOf(row, memoryStep));
  return { project_id: tenant, from, to, group_by: groupBy, usage };
}

function documentOf(total: UsageTotal, memoryStep: number): UsageAnswer['usage'][number] {
  const { billableFuel, bytesIn, bytesOut, durationMs, engineMs, maxMemBytes, ...rest } = total;
  return {
    ...rest,
    billable_fuel: billableFuel,
    bytes_in: bytesIn,
    bytes_out: bytesOut,
    duration_ms: durationMs,
    engine_ms: engineMs,
    max_mem_bytes: Math.ceil(maxMemBytes / memoryStep) * memoryStep,
  };
}

function floor(time: Date): Date {
  return new Date(Math.floor(time.getTime() / HOUR_MS) * HOUR_MS);
}

function ceil(time: Date): Date {
  return new Date(Math.ceil(time.getTime() / HOUR_MS) * HOUR_MS);
}
