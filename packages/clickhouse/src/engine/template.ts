/**
 * The migrated chDB directory that the build prepares (see `@weir/base/node`). It holds empty tables only.
 */
import { join } from 'node:path';
import { findTemplate, installedVersion, makeTemplate, type TemplateKind } from '@weir/base/node';
import { connectClickHouse } from '../connect.js';
import { migrateClickHouse } from '../migrate/migrate.js';
import { databaseNames } from '../migrate/migration.js';
import { migrations } from '../migrate/migrations.js';
import { viewStatements } from '../migrate/views.js';
import { startEngine } from './embedded-engine.js';

/** The prepared directory for the versions of this code; undefined if the build created none. */
export function clickhouseTemplate(): string | undefined {
  return findTemplate(kind());
}

/** Prepares the directory unless it exists; returns whether it was created now. */
export function makeClickhouseTemplate(modules: string): Promise<boolean> {
  const fill = async (scratch: string): Promise<string> => {
    const engine = await startEngine({ dataDir: scratch });
    const clickhouse = connectClickHouse(engine.target);
    try {
      await migrateClickHouse(clickhouse, { exclusive: true });
    } finally {
      await clickhouse.close();
      await engine.close();
    }
    return join(scratch, 'clickhouse', 'data');
  };
  return makeTemplate(kind(), { modules, fill });
}

function kind(): TemplateKind {
  const names = databaseNames();
  const steps = migrations(names).map(({ id, name, statements }) => JSON.stringify([id, name, statements]));
  return {
    name: 'clickhouse',
    madeFrom: [installedVersion('chdb', import.meta.url), ...steps, ...viewStatements(names)],
  };
}
