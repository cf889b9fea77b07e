import { tenantRuntimeState } from '@weir/postgres';
import { z } from 'zod';

/** The host's decisions about one tenant; a row of `tenant_runtime_state`. */
export interface TenantState {
  /** False refuses everything, like `suspended`; the two are separate so that lifting one does not lift the other. */
  readonly enabled: boolean;
  readonly suspended: boolean;
  /** The status for a refused tenant: 403 `suspended`, or 402 `payment_required`. */
  readonly denyStatus: 402 | 403;
  /** A sentence for the refused client; null for a default text. */
  readonly denyReason: string | null;
  /** Requests a second on this node; 0 for unlimited. */
  readonly rateLimitRps: number;
  /** Requests at once; 0 for twice the rate, rounded up. */
  readonly rateBurst: number;
  /** Concurrent requests on this node; 0 for unlimited. */
  readonly concurrencyLimit: number;
  /** Messages a second of each sender of a process; 0 for the installation's limit and burst. */
  readonly channelRateLimitRps: number;
  /** Messages at once with such a rate; 0 for twice the rate, rounded up. */
  readonly channelRateBurst: number;
  /** Messages retained in a channel; 0 for the installation's limit, as below. */
  readonly channelMessages: number;
  /** Bytes of one message; at most the installation's limit. */
  readonly channelMessageBytes: number;
  /** Bytes retained in a channel. */
  readonly channelBytes: number;
  readonly channelsPerProcess: number;
}

/** The state of a tenant without a row: admitted, unlimited. */
export const DEFAULT_TENANT_STATE: TenantState = {
  enabled: true,
  suspended: false,
  denyStatus: 403,
  denyReason: null,
  rateLimitRps: 0,
  rateBurst: 0,
  concurrencyLimit: 0,
  channelRateLimitRps: 0,
  channelRateBurst: 0,
  channelMessages: 0,
  channelMessageBytes: 0,
  channelBytes: 0,
  channelsPerProcess: 0,
};

/** A member that files of earlier versions lack. */
const added = z.number().min(0).default(0);

/** A state as JSON, with the names of the table, for the API and for the file. */
export const tenantDocument = z.object({
  enabled: z.boolean(),
  suspended: z.boolean(),
  deny_status: z.literal([402, 403]),
  deny_reason: z.string().nullable(),
  rate_limit_rps: z.number().min(0),
  rate_burst: z.number().min(0),
  concurrency_limit: z.number().min(0),
  channel_rate_limit_rps: added,
  channel_rate_burst: added,
  channel_messages: added,
  channel_message_bytes: added,
  channel_bytes: added,
  channels_per_process: added,
});

/** @see {@link tenantDocument} */
export type TenantDocument = z.output<typeof tenantDocument>;

/** The columns of a state, without the tenant. */
export const STATE_COLUMNS = {
  enabled: tenantRuntimeState.enabled,
  suspended: tenantRuntimeState.suspended,
  denyStatus: tenantRuntimeState.denyStatus,
  denyReason: tenantRuntimeState.denyReason,
  rateLimitRps: tenantRuntimeState.rateLimitRps,
  rateBurst: tenantRuntimeState.rateBurst,
  concurrencyLimit: tenantRuntimeState.concurrencyLimit,
  channelRateLimitRps: tenantRuntimeState.channelRateLimitRps,
  channelRateBurst: tenantRuntimeState.channelRateBurst,
  channelMessages: tenantRuntimeState.channelMessages,
  channelMessageBytes: tenantRuntimeState.channelMessageBytes,
  channelBytes: tenantRuntimeState.channelBytes,
  channelsPerProcess: tenantRuntimeState.channelsPerProcess,
};

/** The state of a row. */
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
    channel_rate_limit_rps: state.channelRateLimitRps,
    channel_rate_burst: state.channelRateBurst,
    channel_messages: state.channelMessages,
    channel_message_bytes: state.channelMessageBytes,
    channel_bytes: state.channelBytes,
    channels_per_process: state.channelsPerProcess,
  };
}

/** Converts a document to a state. */
export function stateOf(document: TenantDocument): TenantState {
  return {
    enabled: document.enabled,
    suspended: document.suspended,
    denyStatus: document.deny_status,
    denyReason: document.deny_reason,
    rateLimitRps: document.rate_limit_rps,
    rateBurst: document.rate_burst,
    concurrencyLimit: document.concurrency_limit,
    channelRateLimitRps: document.channel_rate_limit_rps,
    channelRateBurst: document.channel_rate_burst,
    channelMessages: document.channel_messages,
    channelMessageBytes: document.channel_message_bytes,
    channelBytes: document.channel_bytes,
    channelsPerProcess: document.channels_per_process,
  };
}
