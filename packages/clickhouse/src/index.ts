export type {
  CallOptions,
  ClickHouse,
  InsertResult,
  ParameterValue,
  ResultBytes,
  StatementOptions,
  StreamOptions,
} from './clickhouse.js';
export { ClickHouseError, type ClickHouseErrorInit } from './clickhouse-error.js';
export { connectClickHouse } from './connect.js';
export type { Wall } from './engine/control.js';
export { startEngine } from './engine/embedded-engine.js';
export type { Engine, EngineHealth, EngineOptions, EngineState } from './engine/engine.js';
export { clickhouseTemplate, makeClickhouseTemplate } from './engine/template.js';
export { BAD_DATA_CODES, type ClickHouseErrorCode, classify, UNAVAILABLE_CODES } from './error-codes.js';
export { relinkStatements } from './migrate/identity-links.js';
export { type MigrateOptions, type MigrationResult, migrateClickHouse } from './migrate/migrate.js';
export { type DatabaseNames, databaseNames, type Migration } from './migrate/migration.js';
export { PUBLIC_TABLES, type PublicColumn, type PublicTable } from './migrate/public-tables.js';
export { USAGE_TABLE } from './migrate/usage.js';
export { connectParser, type ParseOptions, type Parser } from './parser.js';
export type { QueryUse } from './query-use.js';
export {
  connectReader,
  type Reader,
  type ReaderAnswer,
  type ReaderLimits,
  type ReaderOptions,
} from './reader.js';
export { assertRights, DEFINER, rightsStatements } from './rights.js';
export type { ClickHouseTarget, Credentials, EmbeddedTarget, ServerReader, ServerTarget } from './target.js';
