/** A place among the requests a tenant may have at the same time. */
export interface Lease {
  /** Gives it back, once however often it is called. */
  release(): void;
}

/** A request may go on. */
export interface Admitted {
  readonly ok: true;
  /** To be released when the response is done, however it ends; null where nothing is held. */
  readonly lease: Lease | null;
}

/** Why a request was refused, as the code of its problem document. */
export type DenialCode = 'draining' | 'suspended' | 'payment_required' | 'rate_limited' | 'at_capacity';

/** A request is refused. The server's table of codes has the status. */
export interface Denied {
  readonly ok: false;
  readonly code: DenialCode;
  /** A sentence for whoever is refused. */
  readonly detail: string;
  /** When to try again, in milliseconds; 0 where that is not known or does not help. */
  readonly retryAfterMs: number;
}

/** What the gate says to a request. */
export type Admission = Admitted | Denied;

/** Admitted, with nothing to give back. */
export const ADMITTED: Admitted = { ok: true, lease: null };

/** This node takes no new requests. */
export const DRAINING: Denied = {
  ok: false,
  code: 'draining',
  detail: 'this node is shutting down; send to another or again',
  retryAfterMs: 2_000,
};

/** Too many requests at the same time. */
export const AT_CAPACITY: Denied = {
  ok: false,
  code: 'at_capacity',
  detail: 'this project has as many requests running as it may; wait for one to end',
  retryAfterMs: 1_000,
};

/** Too many requests a second. */
export function rateLimited(retryAfterMs: number): Denied {
  return { ok: false, code: 'rate_limited', detail: 'too many requests', retryAfterMs };
}

/** Not allowed until it is paid for. */
export function paymentRequired(detail: string): Denied {
  return { ok: false, code: 'payment_required', detail, retryAfterMs: 0 };
}
