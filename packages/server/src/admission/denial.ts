/** Refusals of the admission gate as problem documents. */
import type { Denied } from '@weir/usage';
import { Problem } from '../http/problem.js';

/** The problem a refusal is. */
export function problemOfDenial(denied: Denied, upgradeUrl: string | null): Problem {
  const retryAfterSeconds = secondsToWait(denied);
  const hint = wayOut(denied, upgradeUrl);
  return new Problem(denied.status, denied.code, denied.detail, {
    ...(retryAfterSeconds === 0 ? {} : { retryAfterSeconds }),
    ...(hint === null ? {} : { hint }),
  });
}

/** A day: nobody waits longer. */
const MAX_WAIT_SECONDS = 86_400;

/** Whole seconds after which the same may be admitted; 0 where waiting does not help, or nobody knows. */
export function secondsToWait({ retryAfterMs }: Denied): number {
  return Math.min(MAX_WAIT_SECONDS, Math.max(0, Math.ceil(retryAfterMs / 1000)));
}

/** What a person can do about a refusal for want of payment, where the host has said where; else null. */
export function wayOut({ code }: Denied, upgradeUrl: string | null): string | null {
  return code === 'payment_required' && upgradeUrl !== null ? `see ${upgradeUrl}` : null;
}
