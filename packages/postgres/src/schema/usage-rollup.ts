import { bigint, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

/**
 * Sums of usage: one row for each tenant, hour in UTC, source, stack and node. The node is part of the key, so that two
 * nodes never wait for each other's row locks. Rows are never deleted: there are few.
 */
export const usageRollup = pgTable(
  'usage_rollup',
  {
    /** A project's id, or `_sys`. */
    tenant: text('tenant').notNull(),
    /** The start of the hour in which the requests ended. */
    hour: timestamp('hour', { withTimezone: true }).notNull(),
    src: text('src').notNull(),
    stack: text('stack').notNull(),
    nodeId: text('node_id').notNull(),
    /** Records; for `compute`, runs of the engine. */
    requests: count('requests'),
    /** Those with status `error`, including denied ones. */
    errors: count('errors'),
    denied: count('denied'),
    /** Accepted events. */
    events: count('events'),
    fuel: count('fuel'),
    billableFuel: count('billable_fuel'),
    bytesIn: count('bytes_in'),
    bytesOut: count('bytes_out'),
    durationMs: count('duration_ms'),
    /** The maximum of all records. */
    maxMemBytes: count('max_mem_bytes'),
  },
  (t) => [primaryKey({ columns: [t.tenant, t.hour, t.src, t.stack, t.nodeId] })],
);

/** For each usage log, the last record counted in {@link usageRollup}: written in the same transactions. */
export const usageRollupPosition = pgTable('usage_rollup_position', {
  logId: text('log_id').primaryKey(),
  /** `seq` of the last record. */
  seq: bigint('seq', { mode: 'number' }).notNull(),
});

function count<Name extends string>(name: Name) {
  return bigint(name, { mode: 'number' }).notNull().default(0);
}
