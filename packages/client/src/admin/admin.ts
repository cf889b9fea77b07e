import type { Connection } from '../http/connection.js';
import { documentOf } from '../http/document.js';
import { DeadLetters } from './dead-letters.js';
import { AdminProjects, ApiKeys, IngestTokens, pathOf } from './projects.js';
import { Tenants } from './tenants.js';

/** The operator's part of the API. Each call needs the operator key, and throws WeirError `unauthorized` without it. */
export class Admin {
  /** The projects of the installation. */
  readonly projects: AdminProjects;
  /** What is decided about projects: suspension and limits. */
  readonly tenants: Tenants;
  /** Dead letters of all projects, without their contents. */
  readonly deadLetters: DeadLetters;
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.projects = new AdminProjects(connection);
    this.tenants = new Tenants(connection);
    this.deadLetters = new DeadLetters(connection, async () => '/api/v1/admin/dlq');
  }

  /** The ingest tokens of a project. */
  tokens(project: string): IngestTokens {
    return new IngestTokens(this.#connection, `${pathOf(project)}/tokens`);
  }

  /** The API keys of a project. */
  keys(project: string): ApiKeys {
    return new ApiKeys(this.#connection, `${pathOf(project)}/keys`);
  }

  /** Whether the installation accepts events. */
  async ingestIsEnabled(): Promise<boolean> {
    const { disabled } = documentOf<Switch>(await this.#connection.json({ path: INGEST }));
    return !disabled;
  }

  /** Switches ingest on or off for the whole installation: without it requests get 503 `ingest_disabled`. */
  async setIngestEnabled(isEnabled: boolean): Promise<void> {
    await this.#connection.json({ method: 'PUT', path: INGEST, body: { disabled: !isEnabled } });
  }
}

const INGEST = '/api/v1/admin/ingest';

interface Switch {
  readonly disabled: boolean;
}
