import type { Postgres } from '@weir/postgres';

/** The store or a transaction of it, on which a statement can run. */
export type Executor = Pick<Postgres['db'], 'select' | 'insert' | 'update' | 'execute'>;
