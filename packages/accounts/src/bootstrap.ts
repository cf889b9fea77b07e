/**
 * The first start: an empty installation gets one project with credentials. With presets, every start and every node
 * creates the same project, token and key, once.
 */
import { defined } from '@weir/base';
import { apiKeys, ingestTokens, type Postgres, projects } from '@weir/postgres';
import { asc, eq, isNull, sql } from 'drizzle-orm';
import { AccountsError } from './accounts-error.js';
import { isCredential } from './credential-form.js';
import type { Credentials } from './credentials.js';
import type { Executor } from './database.js';
import { isId } from './id.js';
import { storedHash } from './ingest-tokens.js';
import {
  admitProject,
  type CreatedProject,
  insertApiKey,
  insertIngestToken,
  insertProject,
  type StoredProject,
} from './projects.js';

/** Options of the first start (`WEIR_BOOTSTRAP_…`). */
export interface BootstrapOptions {
  readonly projectId?: string;
  readonly ingestToken?: string;
  readonly apiKey?: string;
  /** The values for the first project of an empty installation without presets; otherwise they are generated. */
  readonly first?: { readonly id: string; readonly ingestToken: string; readonly apiKey: string };
  /** Create nothing. */
  readonly off?: boolean;
}

// An arbitrary fixed number: "boot" in ASCII.
const LOCK_KEY = 0x626f6f74;
const NAME = 'default';

/**
 * Returns the project that it created on an empty installation, to print once; otherwise null. On another installation
 * it adds missing presets: to the preset project, or otherwise to the oldest one. Revoked and deleted ones stay so.
 * Needs `postgres.ready`. Throws `AccountsError`:
 * `invalid_request` for a malformed preset, `conflict` if a preset credential belongs to another project.
 *
 * @example const created = await bootstrap(postgres, credentials, { projectId: process.env.WEIR_BOOTSTRAP_PROJECT_ID
 *   }); if (created !== null) console.log(created.ingestToken);
 */
export async function bootstrap(
  postgres: Postgres,
  credentials: Credentials,
  options: BootstrapOptions = {},
): Promise<CreatedProject | null> {
  validate(options);
  if (options.off === true) return null;
  const stored = await postgres.db.transaction(async (tx) => {
    // Nodes that start concurrently run one after another; the second finds the project of the first.
    await tx.execute(sql`select pg_advisory_xact_lock(${LOCK_KEY})`);
    const [any] = await tx.select({ id: projects.id }).from(projects).limit(1);
    if (any === undefined) return insertProject(tx, NAME, { ...options.first, ...presetsOf(options) });
    await ensure(tx, options);
    return null;
  });
  if (stored === null) return null;
  return admit(credentials, stored);
}

function admit(credentials: Credentials, stored: StoredProject): CreatedProject {
  admitProject(credentials, stored);
  return stored.project;
}

function validate({ projectId, ingestToken, apiKey }: BootstrapOptions): void {
  const wrong = [
    projectId !== undefined && !isId(projectId) && 'the project id is not a UUID',
    ingestToken !== undefined &&
      !isCredential('ingest', ingestToken) &&
      'the ingest token is not weir_pub_ and 64 hex digits',
    apiKey !== undefined && !isCredential('api', apiKey) && 'the API key is not weir_sec_ and 64 hex digits',
  ].filter((reason) => reason !== false);
  if (wrong.length > 0) throw new AccountsError('invalid_request', `Bootstrap: ${wrong.join('; ')}`);
}

function presetsOf({ projectId, ingestToken, apiKey }: BootstrapOptions) {
  return {
    ...defined({ id: projectId, ingestToken, apiKey }),
  };
}

async function ensure(tx: Executor, { projectId, ingestToken, apiKey }: BootstrapOptions): Promise<void> {
  if (projectId !== undefined) {
    await tx.insert(projects).values({ id: projectId, name: NAME }).onConflictDoNothing();
  }
  if (ingestToken !== undefined) {
    const [known] = await tx
      .select({ projectId: ingestTokens.projectId })
      .from(ingestTokens)
      .where(eq(ingestTokens.tokenHash, storedHash(ingestToken)));
    if (known === undefined) await insertIngestToken(tx, projectId ?? (await oldestProject(tx)), ingestToken);
    else mustBelong(known.projectId, projectId, 'ingest token');
  }
  if (apiKey !== undefined) {
    const [known] = await tx
      .select({ projectId: apiKeys.projectId })
      .from(apiKeys)
      .where(eq(apiKeys.keyHash, storedHash(apiKey)));
    if (known === undefined) await insertApiKey(tx, projectId ?? (await oldestProject(tx)), apiKey);
    else mustBelong(known.projectId, projectId, 'API key');
  }
}

async function oldestProject(tx: Executor): Promise<string> {
  const [oldest] = await tx
    .select({ id: projects.id })
    .from(projects)
    .where(isNull(projects.deletedAt))
    .orderBy(asc(projects.createdAt), asc(projects.id))
    .limit(1);
  if (oldest === undefined) {
    throw new AccountsError(
      'conflict',
      'Bootstrap: every project is deleted; name one for the preset credentials',
    );
  }
  return oldest.id;
}

function mustBelong(owner: string, projectId: string | undefined, what: string): void {
  if (projectId === undefined || owner === projectId.toLowerCase()) return;
  throw new AccountsError('conflict', `Bootstrap: the preset ${what} belongs to another project, ${owner}`);
}
