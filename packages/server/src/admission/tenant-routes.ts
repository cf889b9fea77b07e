/** GET /api/v1/admin/tenants, GET and PUT …/{id}: the operator reads and sets the state and limits of tenants. */

import { defined } from '@weir/base';
import { documentOf, SYSTEM_TENANT, type TenantState, type TenantStates } from '@weir/usage';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Authorizer } from '../http/authorize.js';
import type { BodyReader } from '../http/body/body-reader.js';
import { parseInput } from '../http/parse.js';
import { Problem } from '../http/problem.js';
import { surface } from '../http/surface.js';

/** The maximum of PostgreSQL's integer type. */
const MAX_COUNT = 2_147_483_647;
/** A lower rate would make a client wait longer than any client does. */
const MIN_RPS = 0.001;
/** Maximum channels of one process: each change of the process rewrites the list. */
const MAX_CHANNELS = 1_000;

/** PostgreSQL rejects the NUL character in text. */
const hasNoNul = (text: string): boolean => !text.includes('\0');

const count = z.int().min(0).max(MAX_COUNT);
const perSecond = z
  .number()
  .max(1_000_000_000)
  .refine((rps) => rps === 0 || rps >= MIN_RPS, `must be 0, or at least ${MIN_RPS}`);
const body = z.strictObject({
  enabled: z.boolean().optional(),
  suspended: z.boolean().optional(),
  deny_status: z.literal([402, 403], 'must be 402 or 403').optional(),
  deny_reason: z
    .string()
    .trim()
    .min(1)
    .max(500)
    .refine(hasNoNul, 'must not hold U+0000')
    .nullable()
    .optional(),
  rate_limit_rps: perSecond.optional(),
  rate_burst: count.optional(),
  concurrency_limit: count.optional(),
  channel_rate_limit_rps: perSecond.optional(),
  channel_rate_burst: count.optional(),
  channel_messages: count.optional(),
  channel_message_bytes: z.int().min(0).optional(),
  channel_bytes: z.int().min(0).optional(),
  channels_per_process: count.max(MAX_CHANNELS).optional(),
});

const PATH = '/api/v1/admin/tenants/:id';

interface OfProject {
  Params: { id: string };
}

/**
 * Adds the routes. A field that a PUT omits stays unchanged.
 * @param maxMessageBytes the limit of the installation; a project can only have a lower one
 */
export function adminTenantRoutes(
  web: FastifyInstance,
  authorizer: Authorizer,
  bodies: BodyReader,
  tenants: TenantStates,
  maxMessageBytes: number,
): void {
  const tooMany = `must be at most ${maxMessageBytes}, which is WEIR_CHANNEL_MAX_MESSAGE_BYTES`;
  const known = body.extend({
    channel_message_bytes: z.int().min(0).max(maxMessageBytes, tooMany).optional(),
  });
  web.get('/api/v1/admin/tenants', surface('admin'), async (request) => {
    authorizer.operator(request);
    const all = await tenants.list();
    return {
      tenants: all.map(({ projectId, name, state }) => ({
        project_id: projectId,
        name,
        ...documentOf(state),
      })),
    };
  });
  web.get<OfProject>(PATH, surface('admin'), async (request) => {
    authorizer.operator(request);
    const { id: project } = request.params;
    return answer(project, await tenants.get(project));
  });
  web.put<OfProject>(PATH, surface('admin'), async (request) => {
    authorizer.operator(request);
    await bodies.receive(request, SYSTEM_TENANT);
    const { id: project } = request.params;
    return answer(project, await tenants.change(project, changesOf(parseInput(known, request.body))));
  });
}

function answer(project: string, state: TenantState | null): object {
  if (state === null) throw new Problem('not_found', 'no such project');
  return { project_id: project.toLowerCase(), ...documentOf(state) };
}

function changesOf(given: z.output<typeof body>): Partial<TenantState> {
  return {
    ...defined({
      enabled: given.enabled,
      suspended: given.suspended,
      denyStatus: given.deny_status,
      denyReason: given.deny_reason,
      rateLimitRps: given.rate_limit_rps,
    }),
    // The burst of the previous rate would limit the new rate; 0 means twice the new rate.
    ...burstOf('rateBurst', given.rate_limit_rps, given.rate_burst),
    ...defined({ concurrencyLimit: given.concurrency_limit }),
    ...(given.channel_rate_limit_rps === undefined
      ? {}
      : { channelRateLimitRps: given.channel_rate_limit_rps }),
    ...burstOf('channelRateBurst', given.channel_rate_limit_rps, given.channel_rate_burst),
    ...defined({ channelMessages: given.channel_messages }),
    ...(given.channel_message_bytes === undefined
      ? {}
      : { channelMessageBytes: given.channel_message_bytes }),
    ...defined({ channelBytes: given.channel_bytes, channelsPerProcess: given.channels_per_process }),
  };
}

/** The burst to store with a rate: the given one; otherwise 0 if a rate is given. */
function burstOf<Name extends 'rateBurst' | 'channelRateBurst'>(
  name: Name,
  rps: number | undefined,
  burst: number | undefined,
): Partial<TenantState> {
  return rps === undefined && burst === undefined ? {} : { [name]: burst ?? 0 };
}
