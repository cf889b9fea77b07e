import { z } from 'zod';
import type { Invocation } from '../invocation.js';
import { formatTable } from '../output/table.js';

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

const list = z.object({ tenants: z.array(state.extend({ name: z.string() })) });

/** A tenant in the API. */
export type TenantState = z.output<typeof state>;

/** Changes a tenant (null: only reads it) and prints it. */
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

/** Prints all tenants. */
export async function listTenants(invocation: Invocation): Promise<void> {
  const { api } = await invocation.operator();
  const found = await api.json(list, { path: '/api/v1/admin/tenants' });
  const limit = (value: number): string => (value === 0 ? '' : String(value));
  const rows = found.tenants.map((one) => [
    one.project_id,
    one.name,
    one.suspended
      ? `suspended (${one.deny_status})`
      : one.enabled
        ? 'admitted'
        : `disabled (${one.deny_status})`,
    limit(one.rate_limit_rps),
    limit(one.concurrency_limit),
    one.deny_reason,
  ]);
  const columns = ['project', 'name', 'state', 'requests/s', 'at once', 'reason'];
  invocation.output.result(found, formatTable(columns, rows));
}
