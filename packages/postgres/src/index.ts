export { makePostgresTemplate, postgresTemplate } from './pglite/template.js';
export { openPostgres, type Postgres, type PostgresOptions, type PostgresState } from './postgres.js';
export { isUnavailable, PostgresError, withoutStatement } from './postgres-error.js';
export {
  apiKeys,
  failedEvents,
  ingestTokens,
  installationSettings,
  processes,
  processOutbox,
  projects,
  type StoredChannel,
  tenantRuntimeRevision,
  tenantRuntimeState,
  usageRollup,
  usageRollupPosition,
} from './schema/index.js';
