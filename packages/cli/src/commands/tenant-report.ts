import { z } from 'zod';
import type { Invocation } from '../invocation.js';

const state = z.looseObject({
  project_id: z.string(),
  enabled: z.boolean(),
  suspended: z.boolean(),
  deny_status: z.number(),
  deny_reason: z.string().nullable(),
  rate_limit_rps: z.number(),
  rate_burst: z.number(),
  concurrency_limit: z.number(),
  channel_rate_limit_rps: z.number(),
  channel_rate_burst: z.number(),
  channel_messages: z.number(),
  channel_message_bytes: z.number(),
  channel_bytes: z.number(),
  channels_per_process: z.number(),
});

/** A tenant as the API answers it. */
export type TenantState = z.output<typeof state>;

/** Changes a tenant, or with null only reads it, and prints it. */
export async function reportTenant(
  invocation: Invocation,
  id: string,
  changes: object | null,
  textOf: (one: TenantState) => string,
): Promise<void> {
  const { api } = await invocation.operator();
  const path = `/api/v1/admin/tenants/${encodeURIComponent(id)}`;
  const one = await api.json(state, changes === null ? { path } : { method: 'PUT', path, body: changes });
  invocation.output.result(one, textOf(one));
}
