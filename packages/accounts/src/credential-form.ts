/**
 * The forms of credentials: a prefix for the kind, and 256 random bits. The prefix lets every route reject the wrong
 * kind without a lookup, and lets secret scanners find leaked credentials. One round of SHA-256 suffices for storage,
 * because 256 random bits cannot be guessed.
 */
import { hash, randomBytes } from 'node:crypto';

/** What a credential gives access to: a project's ingest, a project's other routes, or the installation. */
export type CredentialKind = 'ingest' | 'api' | 'operator';

const PREFIX: Record<CredentialKind, string> = {
  ingest: 'weir_pub_',
  api: 'weir_sec_',
  operator: 'weir_ops_',
};
const FORM = /^weir_(pub|sec|ops)_[0-9a-f]{64}$/;

/** Generates a credential. It is shown once; only {@link hashCredential} of it is stored. */
export function generateCredential(kind: CredentialKind): string {
  return PREFIX[kind] + randomBytes(32).toString('hex');
}

/** Whether `text` has exactly the form of this kind of credential. */
export function isCredential(kind: CredentialKind, text: string): boolean {
  return text.startsWith(PREFIX[kind]) && FORM.test(text);
}

/** The kind whose form `text` has, or null. */
export function credentialKind(text: string): CredentialKind | null {
  const kinds: readonly CredentialKind[] = ['ingest', 'api', 'operator'];
  return kinds.find((kind) => isCredential(kind, text)) ?? null;
}

/** The SHA-256 of a credential in hex, which is stored and compared. */
export function hashCredential(plaintext: string): string {
  return hash('sha256', plaintext, 'hex');
}
