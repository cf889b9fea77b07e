import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresTemplate } from '../pglite/template.js';
import { openPostgres, type Postgres, type PostgresOptions } from '../postgres.js';
import { testServer } from './test-server.js';

/** A new store, connected and migrated, with the options to open it again. */
export interface TestStore {
  readonly postgres: Postgres;
  readonly options: PostgresOptions;
  /** Closes the store and removes its data. */
  close(): Promise<void>;
}

/** One kind of store. */
export interface StoreForm {
  readonly name: string;
  open(): Promise<TestStore>;
}

/** Both kinds of store, for `describe.each`: requirements apply to both. */
export const storeForms: readonly StoreForm[] = [
  { name: 'PGlite', open: () => openStore({}, () => Promise.resolve()) },
  {
    name: 'a PostgreSQL server',
    open: async () => {
      const database = await testServer();
      return openStore({ url: database.url }, () => database.close());
    },
  },
];

async function openStore(where: { url?: string }, remove: () => Promise<void>): Promise<TestStore> {
  const dataDir = await mkdtemp(join(tmpdir(), 'weir-postgres-'));
  const options = { ...where, dataDir, template: postgresTemplate() };
  const postgres = openPostgres(options);
  await postgres.ready;
  return {
    postgres,
    options,
    close: async () => {
      await postgres.close();
      await remove();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
