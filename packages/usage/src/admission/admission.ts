/** A place among the concurrent requests of a tenant. */
export interface Lease {
  /** Releases the place; idempotent. */
  release(): void;
}

/** The request may proceed. */
export interface Admitted {
  readonly ok: true;
  /** Must be released when the response ends for any reason; null if no place is held. */
  readonly lease: Lease | null;
}

/** The reason of a refusal, as the code of its problem document. */
export type DenialCode = 'draining' | 'suspended' | 'payment_required' | 'rate_limited' | 'at_capacity';

/** The request is refused. The server's table of codes has the status. */
export interface Denied {
  readonly ok: false;
  readonly code: DenialCode;
  /** A sentence for the client. */
  readonly detail: string;
  /** When to retry, milliseconds; 0 if unknown or if waiting does not help. */
  readonly retryAfterMs: number;
}

/** The decision of the gate. */
export type Admission = Admitted | Denied;

/** Admitted, without a lease. */
export const ADMITTED: Admitted = { ok: true, lease: null };

/** This node accepts no new requests. */
export const DRAINING: Denied = {
  ok: false,
  code: 'draining',
  detail: 'this node is shutting down; retry, or use another node',
  retryAfterMs: 2_000,
};

/** Too many concurrent requests. */
export const AT_CAPACITY: Denied = {
  ok: false,
  code: 'at_capacity',
  detail: 'this project has reached its limit of concurrent requests; wait until one ends',
  retryAfterMs: 1_000,
};

/** Too many requests a second. */
export function rateLimited(retryAfterMs: number): Denied {
  return { ok: false, code: 'rate_limited', detail: 'too many requests', retryAfterMs };
}

/** Not permitted until paid. */
export function paymentRequired(detail: string): Denied {
  return { ok: false, code: 'payment_required', detail, retryAfterMs: 0 };
}
