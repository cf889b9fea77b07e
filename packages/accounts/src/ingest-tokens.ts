import { ingestTokens, type Postgres, projects } from '@weir/postgres';
import { and, asc, eq, isNull } from 'drizzle-orm';
import { uuidv7 } from 'uuidv7';
import { generateCredential, hashCredential } from './credential-form.js';
import type { Credentials } from './credentials.js';
import type { Executor } from './database.js';
import { isId } from './id.js';
import { parseName } from './name.js';

/** An ingest token in a list. */
export interface IngestToken {
  readonly id: string;
  readonly name: string;
  /** Origins from which a browser may send; null for those of the installation. */
  readonly allowedOrigins: readonly string[] | null;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

/** A new token; `token` itself is not stored. */
export interface CreatedIngestToken {
  readonly id: string;
  readonly token: string;
}

/** Options of a new token. */
export interface NewIngestToken {
  readonly name: string;
  readonly allowedOrigins?: readonly string[] | null;
}

/** The ingest tokens of projects. An unknown project has none: null or false, for any id. */
export class IngestTokens {
  readonly #postgres: Postgres;
  readonly #credentials: Credentials;

  constructor(postgres: Postgres, credentials: Credentials) {
    this.#postgres = postgres;
    this.#credentials = credentials;
  }

  /** Creates a token, usable on this node at once. */
  async create(projectId: string, token: NewIngestToken): Promise<CreatedIngestToken | null> {
    if (!isId(projectId)) return null;
    return this.#admit(
      projectId,
      await this.#postgres.db.transaction((tx) =>
        this.#createIn(tx, projectId, parseName(token.name), token),
      ),
    );
  }

  /** All tokens of a project, including revoked ones, oldest first. */
  async list(projectId: string): Promise<IngestToken[] | null> {
    if (!isId(projectId) || !(await projectExists(this.#postgres.db, projectId))) return null;
    const { id, name, allowedOrigins, createdAt, revokedAt } = ingestTokens;
    return this.#postgres.db
      .select({ id, name, allowedOrigins, createdAt, revokedAt })
      .from(ingestTokens)
      .where(eq(ingestTokens.projectId, projectId))
      .orderBy(asc(createdAt), asc(id));
  }

  /** Revokes a token: here at once, on every other node within 10 s. False if there is none. */
  async revoke(projectId: string, tokenId: string): Promise<boolean> {
    if (!isId(projectId) || !isId(tokenId)) return false;
    const revoked = await revokeIn(this.#postgres.db, projectId, tokenId);
    if (revoked !== null) await this.#credentials.withdraw({ tokenId: revoked.id });
    return revoked !== null;
  }

  /** Replaces a token by a new one with the same name and origins, and revokes it. Null if there is none. */
  async rotate(projectId: string, tokenId: string): Promise<CreatedIngestToken | null> {
    if (!isId(projectId) || !isId(tokenId)) return null;
    const created = await this.#postgres.db.transaction(async (tx) => {
      const revoked = await revokeIn(tx, projectId, tokenId);
      return revoked === null ? null : this.#createIn(tx, projectId, revoked.name, revoked);
    });
    if (created !== null) await this.#credentials.withdraw({ tokenId: tokenId.toLowerCase() });
    return this.#admit(projectId, created);
  }

  async #createIn(
    tx: Executor,
    projectId: string,
    name: string,
    { allowedOrigins = null }: Pick<NewIngestToken, 'allowedOrigins'>,
  ) {
    if (!(await projectExists(tx, projectId))) return null;
    const token = generateCredential('ingest');
    const id = uuidv7();
    const origins = allowedOrigins === null ? null : [...allowedOrigins];
    await tx
      .insert(ingestTokens)
      .values({ id, projectId, name, tokenHash: storedHash(token), allowedOrigins: origins });
    return { id, token, allowedOrigins: origins };
  }

  #admit(
    projectId: string,
    created: { id: string; token: string; allowedOrigins: string[] | null } | null,
  ): CreatedIngestToken | null {
    if (created === null) return null;
    const { id, token, allowedOrigins } = created;
    this.#credentials.admitIngestToken(token, {
      projectId: projectId.toLowerCase(),
      tokenId: id,
      allowedOrigins,
    });
    return { id, token };
  }
}

/** A credential's hash in the form of the tables. */
export function storedHash(credential: string): Buffer {
  return Buffer.from(hashCredential(credential), 'hex');
}

/** Whether the project exists and is not deleted. If it is deleted afterwards, its credentials are invalid anyway. */
export async function projectExists(db: Executor, projectId: string): Promise<boolean> {
  const rows = await db
    .select({ id: projects.id })
    .from(projects)
    .where(and(eq(projects.id, projectId), isNull(projects.deletedAt)));
  return rows.length > 0;
}

async function revokeIn(db: Executor, projectId: string, tokenId: string) {
  const [revoked] = await db
    .update(ingestTokens)
    .set({ revokedAt: new Date() })
    .where(
      and(
        eq(ingestTokens.id, tokenId),
        eq(ingestTokens.projectId, projectId),
        isNull(ingestTokens.revokedAt),
      ),
    )
    .returning({ id: ingestTokens.id, name: ingestTokens.name, allowedOrigins: ingestTokens.allowedOrigins });
  return revoked ?? null;
}
