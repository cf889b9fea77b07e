/** Recognises the kind of a credential by its prefix. It never checks validity, so its answer cannot reveal it. */
const KINDS: Readonly<Record<string, string>> = {
  weir_pub_: 'an ingest token',
  weir_sec_: 'an API key',
  weir_oat_: 'an access token',
  weir_ops_: 'the operator key',
};

/** The kind, such as `an API key`; null for text of no known kind. */
function credentialKind(credential: string | null): string | null {
  return KINDS[credential?.slice(0, 'weir_pub_'.length) ?? ''] ?? null;
}

/** The detail for a credential of the wrong kind; `otherwise` if the kind is right or there is no credential. */
export function wrongKind(credential: string | null, needed: string, otherwise: string): string {
  const kind = credentialKind(credential);
  return kind === null || needed.includes(kind)
    ? otherwise
    : `the credential is ${kind}; this route needs ${needed}`;
}
