import { apiKeys, ingestTokens, type Postgres, projects } from '@weir/postgres';
import { and, asc, desc, eq, gt, isNull } from 'drizzle-orm';
import { uuidv7 } from 'uuidv7';
import { AccountsError } from './accounts-error.js';
import { ApiKeys } from './api-keys.js';
import { generateCredential } from './credential-form.js';
import type { Credentials } from './credentials.js';
import type { Executor } from './database.js';
import { isId } from './id.js';
import { IngestTokens, storedHash } from './ingest-tokens.js';
import { parseName } from './name.js';
import { SCOPES } from './scope.js';

/** A project in a list. */
export interface Project {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
}

/** A new project, with credentials that are only shown here. */
export interface CreatedProject {
  readonly id: string;
  readonly name: string;
  readonly ingestToken: string;
  readonly apiKey: string;
}

/** How long a deleted project can be restored, milliseconds. */
const RESTORABLE_MS = 30 * 24 * 3_600_000;

/** A deleted project that can be restored. */
export interface DeletedProject extends Project {
  readonly deletedAt: Date;
  /** The end of the period for a restore. */
  readonly restorableUntil: Date;
}

/** Values that a caller may set for a new project; the rest is generated. */
export interface ProjectPresets {
  /** A UUID. */
  readonly id?: string;
  readonly ingestToken?: string;
  readonly apiKey?: string;
}

/** The tenants of the installation, and their credentials. A malformed id is "not found", never an error. */
export class Projects {
  readonly tokens: IngestTokens;
  readonly keys: ApiKeys;
  readonly #postgres: Postgres;
  readonly #credentials: Credentials;
  readonly #now: () => number;

  /** @param now epoch milliseconds */
  constructor(postgres: Postgres, credentials: Credentials, now: () => number = Date.now) {
    this.#now = now;
    this.#postgres = postgres;
    this.#credentials = credentials;
    this.tokens = new IngestTokens(postgres, credentials);
    this.keys = new ApiKeys(postgres, credentials);
  }

  /**
   * Creates a project with an ingest token and an API key of every scope, both usable on this node at once. Throws
   * `AccountsError`: `invalid_request` for the name or a malformed id, `conflict` if the id is in use.
   */
  async create(name: string, { id }: Pick<ProjectPresets, 'id'> = {}): Promise<CreatedProject> {
    const presets = id === undefined ? {} : { id };
    const stored = await this.#postgres.db.transaction((tx) => insertProject(tx, name, presets));
    admitProject(this.#credentials, stored);
    return stored.project;
  }

  /** All projects that are not deleted, oldest first. */
  list(): Promise<Project[]> {
    return this.#postgres.db
      .select(LISTED)
      .from(projects)
      .where(isNull(projects.deletedAt))
      .orderBy(asc(projects.createdAt), asc(projects.id));
  }

  /** The deleted projects that can be restored, last deleted first. */
  async listDeleted(): Promise<DeletedProject[]> {
    const rows = await this.#postgres.db
      .select({ ...LISTED, deletedAt: projects.deletedAt })
      .from(projects)
      .where(gt(projects.deletedAt, this.#restorableSince()))
      .orderBy(desc(projects.deletedAt), asc(projects.id));
    return rows.flatMap(({ deletedAt, ...project }) =>
      deletedAt === null
        ? []
        : [{ ...project, deletedAt, restorableUntil: new Date(deletedAt.getTime() + RESTORABLE_MS) }],
    );
  }

  /** One project, or null. */
  async get(id: string): Promise<Project | null> {
    if (!isId(id)) return null;
    const [project] = await this.#postgres.db
      .select(LISTED)
      .from(projects)
      .where(and(eq(projects.id, id), isNull(projects.deletedAt)));
    return project ?? null;
  }

  /**
   * Deletes a project; it can be restored for 30 days ({@link RESTORABLE_MS}). Its credentials become invalid: here at
   * once, on every other node within 10 s. False if there is none.
   */
  async softDelete(id: string): Promise<boolean> {
    if (!isId(id)) return false;
    const [deleted] = await this.#postgres.db
      .update(projects)
      .set({ deletedAt: new Date(this.#now()) })
      .where(and(eq(projects.id, id), isNull(projects.deletedAt)))
      .returning({ id: projects.id });
    if (deleted !== undefined) await this.#credentials.withdraw({ projectId: deleted.id });
    return deleted !== undefined;
  }

  /**
   * Restores a project that was deleted within 30 days, with its events and its credentials that were not revoked:
   * valid here at once, on every other node within 10 s. Null if there is none.
   */
  async restore(id: string): Promise<Project | null> {
    if (!isId(id)) return null;
    const [restored] = await this.#postgres.db
      .update(projects)
      .set({ deletedAt: null })
      .where(and(eq(projects.id, id), gt(projects.deletedAt, this.#restorableSince())))
      .returning(LISTED);
    if (restored === undefined) return null;
    this.#credentials.reconsider();
    return restored;
  }

  #restorableSince(): Date {
    return new Date(this.#now() - RESTORABLE_MS);
  }
}

const LISTED = { id: projects.id, name: projects.name, createdAt: projects.createdAt };

/** A stored project, with the data for the cache of this node. */
export interface StoredProject {
  readonly project: CreatedProject;
  readonly tokenId: string;
  readonly keyId: string;
}

/** Stores a project with its first credentials. */
export async function insertProject(
  tx: Executor,
  name: string,
  presets: ProjectPresets,
): Promise<StoredProject> {
  const id = (presets.id ?? uuidv7()).toLowerCase();
  if (!isId(id)) throw new AccountsError('invalid_request', 'A project id is a UUID');
  const inserted = await tx
    .insert(projects)
    .values({ id, name: parseName(name) })
    .onConflictDoNothing()
    .returning({ name: projects.name });
  const [row] = inserted;
  if (row === undefined) throw new AccountsError('conflict', `The project id ${id} is already in use`);
  const ingestToken = presets.ingestToken ?? generateCredential('ingest');
  const apiKey = presets.apiKey ?? generateCredential('api');
  const tokenId = await insertIngestToken(tx, id, ingestToken);
  const keyId = await insertApiKey(tx, id, apiKey);
  return { project: { id, name: row.name, ingestToken, apiKey }, tokenId, keyId };
}

/** Makes a stored project's credentials usable on this node. */
export function admitProject(credentials: Credentials, { project, tokenId, keyId }: StoredProject): void {
  const { id: projectId, ingestToken, apiKey } = project;
  credentials.admitIngestToken(ingestToken, { projectId, tokenId, allowedOrigins: null });
  credentials.admitApiKey(apiKey, { projectId, keyId, scopes: SCOPES, expiresAt: null });
}

/** Stores a token under the name "default". Throws `conflict` if it exists already. */
export async function insertIngestToken(tx: Executor, projectId: string, token: string): Promise<string> {
  const row = { id: uuidv7(), projectId, name: 'default', tokenHash: storedHash(token) };
  const [inserted] = await tx
    .insert(ingestTokens)
    .values(row)
    .onConflictDoNothing()
    .returning({ id: ingestTokens.id });
  if (inserted === undefined) throw new AccountsError('conflict', 'The ingest token is already in use');
  return inserted.id;
}

/** Stores a key of every scope under the name "default". Throws `conflict` if it exists already. */
export async function insertApiKey(tx: Executor, projectId: string, key: string): Promise<string> {
  const row = { id: uuidv7(), projectId, name: 'default', keyHash: storedHash(key), scopes: [...SCOPES] };
  const [inserted] = await tx.insert(apiKeys).values(row).onConflictDoNothing().returning({ id: apiKeys.id });
  if (inserted === undefined) throw new AccountsError('conflict', 'The API key is already in use');
  return inserted.id;
}
