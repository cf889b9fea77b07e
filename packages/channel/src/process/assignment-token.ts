/**
 * Assignment tokens: an executor presents one to prove that it holds, or held, a process. Only hashes of them are
 * stored.
 */
import { createHash, randomBytes } from 'node:crypto';

const FORM = /^weir_asn_[0-9]{1,9}_[A-Za-z0-9_-]{43}$/;

/** A new token. */
export function makeToken(attempt: number): string {
  return `weir_asn_${attempt}_${randomBytes(32).toString('base64url')}`;
}

/** The SHA-256 of a token, as stored; null for text that is not a token. */
export function hashOfToken(token: string): string | null {
  return FORM.test(token) ? createHash('sha256').update(token).digest('base64url') : null;
}
