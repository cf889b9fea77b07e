/**
 * The last step of the build: prepares the data directories that a first start copies. Run in the root of the
 * repository. A platform without the embedded engines has no templates and needs none.
 */
import { join } from 'node:path';
import { makeClickhouseTemplate } from '@weir/clickhouse';
import { makePostgresTemplate } from '@weir/postgres';

const modules = join(process.cwd(), 'node_modules');
const makers = { postgres: makePostgresTemplate, clickhouse: makeClickhouseTemplate };
await Promise.all(
  Object.entries(makers).map(async ([name, make]) => {
    try {
      if (await make(modules)) console.log(`prepared the ${name} directory for first starts`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      console.warn(`no prepared ${name} directory, first starts take longer: ${reason}`);
    }
  }),
);
