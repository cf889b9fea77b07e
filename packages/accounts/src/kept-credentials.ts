/** The file format of the caches: hashes and their rights, never a credential. */
import type { CacheEntry } from './credential-cache.js';
import type { ApiKeyFound, IngestTokenFound } from './credential-loader.js';
import { isScope } from './scope.js';

type Entries<Found> = Iterable<readonly [hash: string, entry: CacheEntry<Found>]>;

/** The stored caches, in memory. */
export interface KeptCredentials {
  readonly ingest: Entries<IngestTokenFound>;
  readonly api: Entries<ApiKeyFound>;
}

/** The content of the file, ready for JSON. */
export function toFile({ ingest, api }: KeptCredentials): object {
  const flat = <Found>(entries: Entries<Found>) =>
    Array.from(entries, ([hash, { found, confirmedAt }]) => ({ hash, confirmedAt, ...found }));
  return { version: 1, ingest: flat(ingest), api: flat(api) };
}

/**
 * Parses the content of the file. Entries that differ from the form of {@link toFile} are omitted; they are looked up
 * again.
 */
export function fromFile(content: unknown): KeptCredentials {
  const { version, ingest, api } = record(content);
  if (version !== 1) return { ingest: [], api: [] };
  return { ingest: parseAll(ingest, parseIngestToken), api: parseAll(api, parseApiKey) };
}

function parseAll<Found>(list: unknown, parse: (item: Record<string, unknown>) => Found | null) {
  const entries: [string, CacheEntry<Found>][] = [];
  for (const item of Array.isArray(list) ? list.map(record) : []) {
    const { hash, confirmedAt } = item;
    const found = parse(item);
    if (typeof hash !== 'string' || typeof confirmedAt !== 'number' || found === null) continue;
    entries.push([hash, { found, confirmedAt }]);
  }
  return entries;
}

function parseIngestToken({
  projectId,
  tokenId,
  allowedOrigins,
}: Record<string, unknown>): IngestTokenFound | null {
  if (typeof projectId !== 'string' || typeof tokenId !== 'string') return null;
  if (allowedOrigins === null) return { projectId, tokenId, allowedOrigins };
  // Unreadable origins must not become "any origin".
  if (!isTexts(allowedOrigins)) return null;
  return { projectId, tokenId, allowedOrigins };
}

function parseApiKey({ projectId, keyId, scopes, expiresAt }: Record<string, unknown>): ApiKeyFound | null {
  if (typeof projectId !== 'string' || typeof keyId !== 'string' || !isTexts(scopes)) return null;
  if (expiresAt === null) return { projectId, keyId, scopes: scopes.filter(isScope), expiresAt };
  const expires = new Date(typeof expiresAt === 'string' ? expiresAt : Number.NaN);
  if (Number.isNaN(expires.getTime())) return null;
  return { projectId, keyId, scopes: scopes.filter(isScope), expiresAt: expires };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
