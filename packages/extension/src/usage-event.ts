/**
 * The source of a record. `compute` is the engine's work for a request, `cron` a job that the server ran for a tenant.
 */
export type UsageSource = 'http' | 'ws' | 'mcp' | 'cron' | 'compute' | 'tcp';

/** Why the admission gate refused a request. */
export type DenialReason = 'rate_limited' | 'at_capacity' | 'suspended' | 'payment_required' | 'draining';

/**
 * The usage record: one for each request on every surface, whatever its outcome. All figures are of that request only.
 */
export interface UsageEvent {
  /** UUIDv7 of the record: the key for deduplication. */
  readonly id: string;
  /** Identifies the log that stored the record; a new log after a loss has another id. */
  readonly logId: string;
  /**
   * The record's position in that log: the same in every delivery, greater than that of all earlier records, with gaps.
   */
  readonly seq: number;
  /** End of the request, RFC 3339 in UTC with milliseconds. */
  readonly time: string;
  /** The node's stable name (`WEIR_NODE_ID`). */
  readonly nodeId: string;
  /** New at each start of the node. */
  readonly epoch: string;
  /** Version of this record's format. */
  readonly version: 1;
  /** The id of the request, as in `X-Request-Id`. */
  readonly rid: string;
  /** Project id; `_sys` if there is none (unrouted, unauthorized, health, requests of the operator). */
  readonly tenant: string;
  /** The credential's id, never its secret. Absent if unknown. */
  readonly principal?: string;
  readonly src: UsageSource;
  /** For a `compute` record: the id of its request's record. */
  readonly parent?: string;
  /** Surface and route template, such as `query:POST /api/v1/projects/:id/query`. */
  readonly stack: string;
  readonly durationMs: number;
  /** `error` if the answer was a refusal or a failure, or the client did not receive it completely. */
  readonly status: 'ok' | 'error';
  /** Absent if no answer was begun. */
  readonly httpStatus?: number;
  /** On the wire, including heads; all bytes of a connection are counted once. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Peak memory of the engine, for `compute` records; otherwise 0. */
  readonly memBytes: number;
  /**
   * Metered work, see docs/usage.md. 0 if denied, and for `compute` records, whose work is in their request's record.
   */
  readonly fuel: number;
  /** Whether the admission gate refused it; it is then not billable. */
  readonly admissionDenied: boolean;
  /** Absent unless denied. */
  readonly admissionReason?: DenialReason;
  /** Whether it is billable. */
  readonly billable: boolean;
}
