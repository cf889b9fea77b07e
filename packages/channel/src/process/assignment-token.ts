/** Assignment tokens: what an executor shows that it has a process, or had it. Only hashes of them are kept. */
import { createHash, randomBytes } from 'node:crypto';

const FORM = /^weir_asn_[0-9]{1,9}_[A-Za-z0-9_-]{43}$/;

/** A new token. */
export function makeToken(attempt: number): string {
  return `weir_asn_${attempt}_${randomBytes(32).toString('base64url')}`;
}

/** The SHA-256 that is kept of a token; null for a text that is none. */
export function hashOfToken(token: string): string | null {
  return FORM.test(token) ? createHash('sha256').update(token).digest('base64url') : null;
}
