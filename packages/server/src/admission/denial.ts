/** Refusals of the admission gate as problem documents. */
import type { Denied } from '@weir/usage';
import { Problem } from '../http/problem.js';

/** Converts a refusal to a problem. */
export function problemOfDenial(denied: Denied, upgradeUrl: string | null): Problem {
  const retryAfterMs = secondsToWait(denied) * 1000 || undefined;
  return new Problem(denied.code, denied.detail, { hint: wayOut(denied, upgradeUrl), retryAfterMs });
}

/** A day: no client waits longer. */
const MAX_WAIT_SECONDS = 86_400;

/** Whole seconds after which the request may be admitted; 0 if waiting does not help or the time is unknown. */
export function secondsToWait({ retryAfterMs }: Denied): number {
  return Math.min(MAX_WAIT_SECONDS, Math.max(0, Math.ceil(retryAfterMs / 1000)));
}

/** The action that lifts a refusal for a state or a missing payment; undefined if the client can only wait. */
export function wayOut({ code }: Denied, upgradeUrl: string | null): string | undefined {
  if (code === 'suspended')
    return 'ask the operator of this server, who can admit it again: weir tenant resume';
  if (code !== 'payment_required') return undefined;
  return upgradeUrl === null ? 'ask the operator of this server what has to be paid' : `see ${upgradeUrl}`;
}
