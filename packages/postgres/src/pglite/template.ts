/**
 * The migrated PGlite directory that the build prepares (see `@weir/base/node`). It holds no project, no
 * credential and no secret; the decision page on template directories lists what two copies have in common.
 */
import { join } from 'node:path';
import { findTemplate, installedVersion, makeTemplate, type TemplateKind } from '@weir/base/node';
import { migrations } from '../migrations/index.js';
import { openPostgres } from '../postgres.js';

/** The prepared directory of this code's versions, or undefined where the build made none. */
export function postgresTemplate(): string | undefined {
  return findTemplate(kind());
}

/** Prepares it unless it is there; returns whether it was made now. */
export function makePostgresTemplate(modules: string): Promise<boolean> {
  const fill = async (scratch: string): Promise<string> => {
    const postgres = openPostgres({ dataDir: scratch });
    try {
      await postgres.ready;
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
    madeFrom: [installedVersion('@electric-sql/pglite', import.meta.url), ...steps],
  };
}
