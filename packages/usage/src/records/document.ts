/** The usage record in its JSON form: in the log, in files and on the wire. Its names are those of docs/usage.md. */
import type { DenialReason, UsageEvent, UsageSource } from '@weir/extension';

/**
 * See {@link UsageEvent} for the fields. Unknown, zero and false values are absent, except `billable` and the bytes.
 */
export interface UsageDocument {
  readonly id: string;
  readonly log_id: string;
  readonly seq: number;
  readonly time: string;
  readonly node_id: string;
  readonly epoch: string;
  readonly version: 1;
  readonly rid: string;
  readonly tenant: string;
  readonly principal?: string | undefined;
  readonly src: UsageSource;
  readonly parent?: string | undefined;
  readonly stack: string;
  readonly duration_ms: number;
  readonly status: 'ok' | 'error';
  readonly http_status?: number | undefined;
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly mem_bytes?: number | undefined;
  readonly fuel?: number | undefined;
  readonly admission_denied?: true | undefined;
  readonly admission_reason?: DenialReason | undefined;
  readonly billable: boolean;
}

/** The JSON form of a record. */
export function documentOf(event: UsageEvent): UsageDocument {
  return {
    id: event.id,
    log_id: event.logId,
    seq: event.seq,
    time: event.time,
    node_id: event.nodeId,
    epoch: event.epoch,
    version: event.version,
    rid: event.rid,
    tenant: event.tenant,
    principal: event.principal,
    src: event.src,
    parent: event.parent,
    stack: event.stack,
    duration_ms: event.durationMs,
    status: event.status,
    http_status: event.httpStatus,
    bytes_in: event.bytesIn,
    bytes_out: event.bytesOut,
    mem_bytes: event.memBytes || undefined,
    fuel: event.fuel || undefined,
    admission_denied: event.admissionDenied || undefined,
    admission_reason: event.admissionReason,
    billable: event.billable,
  };
}
