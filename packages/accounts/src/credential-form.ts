/**
 * The forms of credentials: a prefix that says what it opens, and 256 random bits. The prefix lets every surface
 * refuse the wrong kind without a look-up, and lets secret scanners find a leaked one. Because they are random
 * and long, one round of SHA-256 is enough to store them: there is nothing to guess.
 */
import { hash, randomBytes } from 'node:crypto';

/** What a credential opens: a project's ingest, a project's other surfaces, the installation. */
export type CredentialKind = 'ingest' | 'api' | 'operator';

const PREFIX: Record<CredentialKind, string> = {
  ingest: 'weir_pub_',
  api: 'weir_sec_',
  operator: 'weir_ops_',
};
const FORM = /^weir_(pub|sec|ops)_[0-9a-f]{64}$/;

/** A new credential. It is shown once; only {@link hashCredential} of it is kept. */
export function generateCredential(kind: CredentialKind): string {
  return PREFIX[kind] + randomBytes(32).toString('hex');
}

/** Whether `text` has exactly the form of a credential of this kind. */
export function isCredential(kind: CredentialKind, text: string): boolean {
  return text.startsWith(PREFIX[kind]) && FORM.test(text);
}

/** The kind whose form `text` has, or null. */
export function credentialKind(text: string): CredentialKind | null {
  const kinds: readonly CredentialKind[] = ['ingest', 'api', 'operator'];
  return kinds.find((kind) => isCredential(kind, text)) ?? null;
}

/** The SHA-256 of a credential in hex: what is stored and compared. */
export function hashCredential(plaintext: string): string {
  return hash('sha256', plaintext, 'hex');
}
