/** What a credential is by its prefix. Whether it is valid is not looked at: the answer tells nothing about that. */
const KINDS: Readonly<Record<string, string>> = {
  weir_pub_: 'an ingest token',
  weir_sec_: 'an API key',
  weir_oat_: 'an access token',
  weir_ops_: 'the operator key',
};

/** The kind, such as `an API key`; null for a text that is none. */
function credentialKind(credential: string | null): string | null {
  return KINDS[credential?.slice(0, 'weir_pub_'.length) ?? ''] ?? null;
}

/** What is wrong with a credential of a kind that the route does not take; `otherwise` for one of the right kind, or none. */
export function wrongKind(credential: string | null, needed: string, otherwise: string): string {
  const kind = credentialKind(credential);
  return kind === null || needed.includes(kind)
    ? otherwise
    : `the credential is ${kind}; this route needs ${needed}`;
}
