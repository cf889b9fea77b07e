import { jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/** What holds for the whole installation and outlives restarts, such as the ingest kill switch. */
export const installationSettings = pgTable('installation_settings', {
  key: text('key').primaryKey(),
  value: jsonb('value').notNull(),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
});
