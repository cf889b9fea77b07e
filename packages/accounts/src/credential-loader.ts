import { apiKeys, ingestTokens, type Postgres, projects } from '@weir/postgres';
import { and, eq, isNull, type SQL, sql } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import { isScope, type Scope } from './scope.js';

/** A usable ingest token. */
export interface IngestTokenFound {
  readonly projectId: string;
  readonly tokenId: string;
  /** Origins from which a browser may send; null for those of the installation. */
  readonly allowedOrigins: readonly string[] | null;
}

/** A usable API key. */
export interface ApiKeyFound {
  readonly projectId: string;
  readonly keyId: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt: Date | null;
}

/** Those of the tokens that are not revoked, of projects that are not deleted, by hash in hex. */
export async function loadIngestTokens(
  db: Postgres['db'],
  hashes: readonly string[],
): Promise<Map<string, IngestTokenFound>> {
  const rows = await db
    .select({
      hash: ingestTokens.tokenHash,
      projectId: ingestTokens.projectId,
      tokenId: ingestTokens.id,
      allowedOrigins: ingestTokens.allowedOrigins,
    })
    .from(ingestTokens)
    .innerJoin(projects, eq(projects.id, ingestTokens.projectId))
    .where(
      and(
        isOneOf(ingestTokens.tokenHash, hashes),
        isNull(ingestTokens.revokedAt),
        isNull(projects.deletedAt),
      ),
    );
  return new Map(rows.map(({ hash, ...found }) => [hash.toString('hex'), found]));
}

/** As {@link loadIngestTokens}, for API keys. Includes expired ones, because expiry depends on the time of use. */
export async function loadApiKeys(
  db: Postgres['db'],
  hashes: readonly string[],
): Promise<Map<string, ApiKeyFound>> {
  const rows = await db
    .select({
      hash: apiKeys.keyHash,
      projectId: apiKeys.projectId,
      keyId: apiKeys.id,
      scopes: apiKeys.scopes,
      expiresAt: apiKeys.expiresAt,
    })
    .from(apiKeys)
    .innerJoin(projects, eq(projects.id, apiKeys.projectId))
    .where(and(isOneOf(apiKeys.keyHash, hashes), isNull(apiKeys.revokedAt), isNull(projects.deletedAt)));
  return new Map(
    rows.map(({ hash, scopes, ...found }) => [
      hash.toString('hex'),
      { ...found, scopes: scopes.filter(isScope) },
    ]),
  );
}

/** Records the last use of keys; a time older than the recorded one has no effect. */
export async function recordLastUsed(db: Postgres['db'], usedAt: ReadonlyMap<string, number>): Promise<void> {
  const ids = sql.join(
    [...usedAt].map(([id, at]) => sql`(${id}::uuid, ${new Date(at).toISOString()}::timestamptz)`),
    sql`, `,
  );
  await db.execute(sql`
    update api_keys k set last_used_at = greatest(k.last_used_at, u.at)
    from (values ${ids}) as u (id, at) where k.id = u.id`);
}

// One parameter for any number of hashes: the statement's text stays the same, and short.
function isOneOf(column: AnyPgColumn, hashes: readonly string[]): SQL {
  return sql`${column} = any(${sql.param(hashes.map((hash) => Buffer.from(hash, 'hex')))}::bytea[])`;
}
