import { apiKeys, type Postgres } from '@weir/postgres';
import { and, asc, eq, isNull } from 'drizzle-orm';
import { uuidv7 } from 'uuidv7';
import { AccountsError } from './accounts-error.js';
import { generateCredential } from './credential-form.js';
import type { Credentials } from './credentials.js';
import { isId } from './id.js';
import { projectExists, storedHash } from './ingest-tokens.js';
import { parseName } from './name.js';
import { isScope, SCOPES, type Scope } from './scope.js';

/** An API key in a list. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  /** Precise to some seconds. */
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** A new key; `key` itself is not stored. */
export interface CreatedApiKey {
  readonly id: string;
  readonly key: string;
}

/** Options of a new key. */
export interface NewApiKey {
  readonly name: string;
  /** At least one of {@link SCOPES}. */
  readonly scopes: readonly string[];
  /** Default: never. */
  readonly expiresAt?: Date | null;
}

/** The API keys of projects. An unknown project has none: null or false, for any id. */
export class ApiKeys {
  readonly #postgres: Postgres;
  readonly #credentials: Credentials;

  constructor(postgres: Postgres, credentials: Credentials) {
    this.#postgres = postgres;
    this.#credentials = credentials;
  }

  /** Creates a key, usable on this node at once. Throws `invalid_request` for invalid scopes. */
  async create(
    projectId: string,
    { name, scopes, expiresAt = null }: NewApiKey,
  ): Promise<CreatedApiKey | null> {
    const allowed = parseScopes(scopes);
    const parsedName = parseName(name);
    if (!isId(projectId)) return null;
    const id = uuidv7();
    const key = generateCredential('api');
    const stored = await this.#postgres.db.transaction(async (tx) => {
      if (!(await projectExists(tx, projectId))) return false;
      const row = { id, projectId, name: parsedName, keyHash: storedHash(key), scopes: allowed, expiresAt };
      await tx.insert(apiKeys).values(row);
      return true;
    });
    if (!stored) return null;
    this.#credentials.admitApiKey(key, {
      projectId: projectId.toLowerCase(),
      keyId: id,
      scopes: allowed,
      expiresAt,
    });
    return { id, key };
  }

  /** All keys of a project, including revoked and expired ones, oldest first. */
  async list(projectId: string): Promise<ApiKey[] | null> {
    if (!isId(projectId) || !(await projectExists(this.#postgres.db, projectId))) return null;
    const { id, name, scopes, createdAt, expiresAt, lastUsedAt, revokedAt } = apiKeys;
    const rows = await this.#postgres.db
      .select({ id, name, scopes, createdAt, expiresAt, lastUsedAt, revokedAt })
      .from(apiKeys)
      .where(eq(apiKeys.projectId, projectId))
      .orderBy(asc(createdAt), asc(id));
    return rows.map((row) => ({ ...row, scopes: row.scopes.filter(isScope) }));
  }

  /** Revokes a key: here at once, on every other node within 10 s. False if there is none. */
  async revoke(projectId: string, keyId: string): Promise<boolean> {
    if (!isId(projectId) || !isId(keyId)) return false;
    const revoked = await this.#postgres.db
      .update(apiKeys)
      .set({ revokedAt: new Date() })
      .where(and(eq(apiKeys.id, keyId), eq(apiKeys.projectId, projectId), isNull(apiKeys.revokedAt)))
      .returning({ id: apiKeys.id });
    const [key] = revoked;
    if (key !== undefined) await this.#credentials.withdraw({ keyId: key.id });
    return key !== undefined;
  }
}

function parseScopes(scopes: readonly string[]): Scope[] {
  const allowed = [...new Set(scopes)].filter(isScope);
  if (allowed.length === 0 || allowed.length < new Set(scopes).size) {
    throw new AccountsError(
      'invalid_request',
      `The scopes of an API key are one or more of: ${SCOPES.join(', ')}`,
    );
  }
  return allowed;
}
