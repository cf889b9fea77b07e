import { bigint, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

/**
 * Usage added up: one row for each tenant, hour in UTC, source, stack and node. The node is part of the key, so that two
 * nodes never wait for one another's rows. Rows are kept for ever: there are few of them.
 */
export const usageRollup = pgTable(
  'usage_rollup',
  {
    /** A project's id, or `_sys`. */
    tenant: text('tenant').notNull(),
    /** The hour in which requests ended, by its beginning. */
    hour: timestamp('hour', { withTimezone: true }).notNull(),
    src: text('src').notNull(),
    stack: text('stack').notNull(),
    nodeId: text('node_id').notNull(),
    /** Records; of `compute`, runs of the engine. */
    requests: count('requests'),
    /** Those with status `error`; the denied are among them. */
    errors: count('errors'),
    denied: count('denied'),
    /** Events that were accepted. */
    events: count('events'),
    fuel: count('fuel'),
    billableFuel: count('billable_fuel'),
    bytesIn: count('bytes_in'),
    bytesOut: count('bytes_out'),
    durationMs: count('duration_ms'),
    /** The greatest of any one record. */
    maxMemBytes: count('max_mem_bytes'),
  },
  (t) => [primaryKey({ columns: [t.tenant, t.hour, t.src, t.stack, t.nodeId] })],
);

/** Of each usage log, how far its records are added up in {@link usageRollup}: written in the same transactions. */
export const usageRollupPosition = pgTable('usage_rollup_position', {
  logId: text('log_id').primaryKey(),
  /** `seq` of the last record. */
  seq: bigint('seq', { mode: 'number' }).notNull(),
});

function count<Name extends string>(name: Name) {
  return bigint(name, { mode: 'number' }).notNull().default(0);
}
