import { tenantRuntimeState } from '@weir/postgres';
import { z } from 'zod';

/** What the host has decided about one tenant; a row of `tenant_runtime_state`. */
export interface TenantState {
  /** False refuses everything, like `suspended`; the two are apart so that one need not undo the other. */
  readonly enabled: boolean;
  readonly suspended: boolean;
  /** What a refused tenant is answered with: 403 `suspended`, or 402 `payment_required`. */
  readonly denyStatus: 402 | 403;
  /** A sentence for whoever is refused; null is a default text. */
  readonly denyReason: string | null;
  /** Requests a second on this node; 0 is without limit. */
  readonly rateLimitRps: number;
  /** Requests at once; 0 is twice the rate, rounded up. */
  readonly rateBurst: number;
  /** Requests at the same time on this node; 0 is without limit. */
  readonly concurrencyLimit: number;
}

/** The state of a tenant without a row: admitted, without limits. */
export const DEFAULT_TENANT_STATE: TenantState = {
  enabled: true,
  suspended: false,
  denyStatus: 403,
  denyReason: null,
  rateLimitRps: 0,
  rateBurst: 0,
  concurrencyLimit: 0,
};

/** A state as JSON, in the names of the table: what the API answers, and what is kept on the disk. */
export const tenantDocument = z.object({
  enabled: z.boolean(),
  suspended: z.boolean(),
  deny_status: z.literal([402, 403]),
  deny_reason: z.string().nullable(),
  rate_limit_rps: z.number().min(0),
  rate_burst: z.number().min(0),
  concurrency_limit: z.number().min(0),
});

/** @see {@link tenantDocument} */
export type TenantDocument = z.output<typeof tenantDocument>;

/** The columns of a state, apart from whose it is. */
export const STATE_COLUMNS = {
  enabled: tenantRuntimeState.enabled,
  suspended: tenantRuntimeState.suspended,
  denyStatus: tenantRuntimeState.denyStatus,
  denyReason: tenantRuntimeState.denyReason,
  rateLimitRps: tenantRuntimeState.rateLimitRps,
  rateBurst: tenantRuntimeState.rateBurst,
  concurrencyLimit: tenantRuntimeState.concurrencyLimit,
};

/** A row's state. */
export function stateOfRow(
  row: Omit<TenantState, 'denyStatus'> & { readonly denyStatus: number },
): TenantState {
  return { ...row, denyStatus: row.denyStatus === 402 ? 402 : 403 };
}

/** A state as JSON. */
export function documentOf(state: TenantState): TenantDocument {
  return {
    enabled: state.enabled,
    suspended: state.suspended,
    deny_status: state.denyStatus,
    deny_reason: state.denyReason,
    rate_limit_rps: state.rateLimitRps,
    rate_burst: state.rateBurst,
    concurrency_limit: state.concurrencyLimit,
  };
}

/** The state a document is. */
export function stateOf(document: TenantDocument): TenantState {
  return {
    enabled: document.enabled,
    suspended: document.suspended,
    denyStatus: document.deny_status,
    denyReason: document.deny_reason,
    rateLimitRps: document.rate_limit_rps,
    rateBurst: document.rate_burst,
    concurrencyLimit: document.concurrency_limit,
  };
}
