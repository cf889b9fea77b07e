import type { Postgres } from '@weir/postgres';

/** The store, or a transaction of it: what a statement can be run on. */
export type Executor = Pick<Postgres['db'], 'select' | 'insert' | 'update' | 'execute'>;
