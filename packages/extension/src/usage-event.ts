/** Where a record comes from. `compute` is the engine's share of a request, `cron` a job the server ran for a tenant. */
export type UsageSource = 'http' | 'ws' | 'mcp' | 'cron' | 'compute' | 'tcp';

/** Why the admission gate refused a request. */
export type DenialReason = 'rate_limited' | 'at_capacity' | 'suspended' | 'payment_required' | 'draining';

/** The usage record: one for each request on every surface, whatever became of it. Figures are of that request alone. */
export interface UsageEvent {
  /** UUIDv7, the record's own: the key for telling repeated deliveries. */
  readonly id: string;
  /** Names the log the record was kept in; a log lost and made anew has another. */
  readonly logId: string;
  /** The record's place in that log: the same in every delivery, greater than those of all records before it, with gaps. */
  readonly seq: number;
  /** End of the request, RFC 3339 in UTC with milliseconds. */
  readonly time: string;
  /** The node's stable name (`WEIR_NODE_ID`). */
  readonly nodeId: string;
  /** Fresh at each start of the node. */
  readonly epoch: string;
  /** Version of this record's form. */
  readonly version: 1;
  /** The request's id, as in `X-Request-Id`. */
  readonly rid: string;
  /** Project id; `_sys` where there is none (unrouted, unauthorized, health, the operator's own). */
  readonly tenant: string;
  /** The credential's id, never its secret. Absent where unknown. */
  readonly principal?: string;
  readonly src: UsageSource;
  /** Of a `compute` record: the id of its request's record. */
  readonly parent?: string;
  /** Surface and route template, such as `query:POST /api/v1/projects/:id/query`. */
  readonly stack: string;
  readonly durationMs: number;
  /** `error` where the answer was a refusal or a failure, or the client did not get it whole. */
  readonly status: 'ok' | 'error';
  /** Absent where no answer was begun. */
  readonly httpStatus?: number;
  /** On the wire, with heads; all bytes of a connection are counted once. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Peak memory of the engine, of `compute` records; else 0. */
  readonly memBytes: number;
  /** Metered work, see docs/usage.md. 0 where denied, and of `compute` records: theirs is in their request's. */
  readonly fuel: number;
  /** Whether the admission gate refused it; then it is not billable. */
  readonly admissionDenied: boolean;
  /** Absent where not denied. */
  readonly admissionReason?: DenialReason;
  /** Whether it counts for a bill. */
  readonly billable: boolean;
}
