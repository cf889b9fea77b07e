import type { Connection } from '../http/connection.js';
import { documentOf, documentsOf } from '../http/document.js';

const PROJECTS = '/api/v1/admin/projects';

/** A project of the installation. Times are RFC 3339, as everywhere here. */
export interface Project {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
}

/** A project that was made, with its first credentials. */
export interface NewProject extends Omit<Project, 'createdAt'> {
  /** For `ingest`; it is public. */
  readonly ingestToken: string;
  /** The server shows it once. */
  readonly apiKey: string;
}

/** A project that was deleted, and can be restored until `restorableUntil`. */
export interface DeletedProject extends Project {
  readonly deletedAt: string;
  readonly restorableUntil: string;
}

/** What an API key opens. */
export type Scope = 'query' | 'feed' | 'process' | 'channel' | 'admin';

/** An ingest token, without the token itself. */
export interface IngestToken {
  readonly id: string;
  readonly name: string;
  /** Pages of these origins may use it; null for all. */
  readonly allowedOrigins: readonly string[] | null;
  readonly createdAt: string;
  readonly revokedAt: string | null;
}

/** An API key, without the key itself. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
}

/** Projects, for the operator. */
export class AdminProjects {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Makes a project with an ingest token and an API key. @param options.id a UUID; default a new one */
  async create(name: string, { id }: { readonly id?: string } = {}): Promise<NewProject> {
    const body = { name, id };
    return documentOf(
      await this.#connection.json({ method: 'POST', path: PROJECTS, body, isRepeatable: false }),
    );
  }

  /** All projects that are not deleted. */
  async list(): Promise<Project[]> {
    return documentsOf(await this.#connection.json({ path: PROJECTS }), 'projects');
  }

  /** Projects that were deleted in the last 30 days. */
  async listDeleted(): Promise<DeletedProject[]> {
    return documentsOf(await this.#connection.json({ path: PROJECTS, query: { deleted: true } }), 'projects');
  }

  /** Deletes a project: its credentials stop working, and it can be restored for 30 days. @throws WeirError `not_found` */
  async delete(id: string): Promise<void> {
    await this.#connection.json({ method: 'DELETE', path: pathOf(id), isRepeatable: false });
  }

  /** Brings back a deleted project with its events and credentials. @throws WeirError `not_found` */
  async restore(id: string): Promise<Project> {
    const path = `${pathOf(id)}/restore`;
    return documentOf(await this.#connection.json({ method: 'POST', path, isRepeatable: false }));
  }
}

/** Ingest tokens of one project. */
export class IngestTokens {
  readonly #connection: Connection;
  readonly #path: string;

  constructor(connection: Connection, path: string) {
    this.#connection = connection;
    this.#path = path;
  }

  /** Makes a token. @param options.allowedOrigins pages that may use it; default all */
  async create({
    name,
    allowedOrigins = null,
  }: {
    readonly name?: string;
    readonly allowedOrigins?: readonly string[] | null;
  } = {}): Promise<{ readonly id: string; readonly name: string; readonly ingestToken: string }> {
    const body = { name, allowed_origins: allowedOrigins };
    return documentOf(
      await this.#connection.json({ method: 'POST', path: this.#path, body, isRepeatable: false }),
    );
  }

  /** All tokens, also revoked ones. */
  async list(): Promise<IngestToken[]> {
    return documentsOf(await this.#connection.json({ path: this.#path }), 'tokens');
  }

  /** Revokes a token. @throws WeirError `not_found` */
  async revoke(id: string): Promise<void> {
    const path = `${this.#path}/${encodeURIComponent(id)}`;
    await this.#connection.json({ method: 'DELETE', path, isRepeatable: false });
  }
}

/** API keys of one project. */
export class ApiKeys {
  readonly #connection: Connection;
  readonly #path: string;

  constructor(connection: Connection, path: string) {
    this.#connection = connection;
    this.#path = path;
  }

  /** Makes a key; the server shows it once. @param options.scopes default `query` */
  async create({
    name,
    scopes,
    expiresAt,
  }: {
    readonly name?: string;
    readonly scopes?: readonly Scope[];
    readonly expiresAt?: Date;
  } = {}): Promise<{
    readonly id: string;
    readonly name: string;
    readonly scopes: readonly Scope[];
    readonly apiKey: string;
  }> {
    const body = { name, scopes, expires_at: expiresAt?.toISOString() };
    return documentOf(
      await this.#connection.json({ method: 'POST', path: this.#path, body, isRepeatable: false }),
    );
  }

  /** All keys, also revoked ones. */
  async list(): Promise<ApiKey[]> {
    return documentsOf(await this.#connection.json({ path: this.#path }), 'keys');
  }

  /** Revokes a key. @throws WeirError `not_found` */
  async revoke(id: string): Promise<void> {
    const path = `${this.#path}/${encodeURIComponent(id)}`;
    await this.#connection.json({ method: 'DELETE', path, isRepeatable: false });
  }
}

/** The path of a project. */
export function pathOf(project: string): string {
  return `${PROJECTS}/${encodeURIComponent(project)}`;
}
