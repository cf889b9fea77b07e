import { jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/** Settings of the whole installation that outlive restarts, such as the ingest kill switch. */
export const installationSettings = pgTable('installation_settings', {
  key: text('key').primaryKey(),
  value: jsonb('value').notNull(),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
});
