/**
 * The migrated PGlite directory that the build prepares (see `@weir/base/node`). It contains no project, no credential
 * and no secret; the decision page on template directories lists what two copies have in common.
 */
import { join } from 'node:path';
import { findTemplate, installedVersion, makeTemplate, type TemplateKind } from '@weir/base/node';
import { sql } from 'drizzle-orm';
import { migrations } from '../migrations/index.js';
import { openPostgres } from '../postgres.js';

/**
 * Removes the databases that PostgreSQL copies for `create database`, which Weir never runs. They are 600 of the 1,000
 * files that a first start would copy.
 */
const DROP_TEMPLATE_DATABASES: readonly string[] = [
  "update pg_database set datistemplate = false where datname in ('template0', 'template1')",
  'drop database template0',
  'drop database template1',
];

/** The prepared directory for the versions of this code; undefined if the build created none. */
export function postgresTemplate(): string | undefined {
  return findTemplate(kind());
}

/** Prepares the directory unless it exists; returns whether it was created now. */
export function makePostgresTemplate(modules: string): Promise<boolean> {
  const fill = async (scratch: string): Promise<string> => {
    const postgres = openPostgres({ dataDir: scratch });
    try {
      await postgres.ready;
      for (const statement of DROP_TEMPLATE_DATABASES) await postgres.db.execute(sql.raw(statement));
    } finally {
      await postgres.close();
    }
    return join(scratch, 'postgres');
  };
  return makeTemplate(kind(), { modules, fill });
}

function kind(): TemplateKind {
  const steps = migrations.map(({ version, name, sql }) => JSON.stringify([version, name, sql]));
  return {
    name: 'postgres',
    madeFrom: [
      installedVersion('@electric-sql/pglite', import.meta.url),
      ...DROP_TEMPLATE_DATABASES,
      ...steps,
    ],
  };
}
