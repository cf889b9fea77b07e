import { sql } from 'drizzle-orm';
import { bigint, index, integer, pgTable, text, timestamp, unique, uuid } from 'drizzle-orm/pg-core';
import { bytea } from './bytea.js';

/**
 * Dead letters: rows that ClickHouse rejected or could not accept, one row for each project and batch, until it is
 * drained, purged or quarantined. No foreign key to `projects`: a dead letter must be storable even if its project was
 * deleted.
 */
export const failedEvents = pgTable(
  'failed_events',
  {
    id: uuid('id').primaryKey(),
    projectId: uuid('project_id').notNull(),
    logEpoch: bigint('log_epoch', { mode: 'number' }).notNull(),
    firstOffset: bigint('first_offset', { mode: 'number' }).notNull(),
    lastOffset: bigint('last_offset', { mode: 'number' }).notNull(),
    /** The piece of a bisected batch: several pieces may span the same offsets with different rows. */
    part: integer('part').notNull().default(0),
    /** The id under which the batch is reported to the usage seam after it is stored. */
    batchId: text('batch_id').notNull(),
    batchPayload: bytea('batch_payload').notNull(),
    eventCount: integer('event_count').notNull(),
    lastError: text('last_error'),
    reason: text('reason'),
    /** Attempts that reached a working ClickHouse. */
    attemptCount: integer('attempt_count').notNull().default(0),
    nextAttemptAt: timestamp('next_attempt_at', { withTimezone: true }).notNull().defaultNow(),
    /** The lease: only its holder works on the row until then. */
    claimedUntil: timestamp('claimed_until', { withTimezone: true }),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    lastAttemptAt: timestamp('last_attempt_at', { withTimezone: true }),
    quarantinedAt: timestamp('quarantined_at', { withTimezone: true }),
    /** When an operator purged the letter: only the places of its events are retained, for receipts. */
    purgedAt: timestamp('purged_at', { withTimezone: true }),
  },
  (t) => [
    unique('failed_events_place').on(t.projectId, t.logEpoch, t.firstOffset, t.lastOffset, t.part),
    index('failed_events_due').on(t.nextAttemptAt).where(sql`quarantined_at is null and purged_at is null`),
    index('failed_events_purged').on(t.purgedAt).where(sql`purged_at is not null`),
    index('failed_events_reason').on(t.reason),
    index('failed_events_project').on(t.projectId, t.createdAt),
  ],
);
