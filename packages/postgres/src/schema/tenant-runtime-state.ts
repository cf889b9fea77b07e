import { bigint, boolean, doublePrecision, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { projects } from './projects.js';

/** What the host has decided about tenants, read by every node. A project without a row is admitted without limits. */
export const tenantRuntimeState = pgTable('tenant_runtime_state', {
  projectId: uuid('project_id')
    .primaryKey()
    .references(() => projects.id, { onDelete: 'cascade' }),
  enabled: boolean('enabled').notNull().default(true),
  suspended: boolean('suspended').notNull().default(false),
  /** What a suspended or disabled tenant is answered with: 403, or 402. */
  denyStatus: integer('deny_status').notNull().default(403),
  denyReason: text('deny_reason'),
  /** Requests a second; 0 is without limit. */
  rateLimitRps: doublePrecision('rate_limit_rps').notNull().default(0),
  /** Requests at once; 0 is twice the rate. */
  rateBurst: integer('rate_burst').notNull().default(0),
  /** Requests at the same time; 0 is without limit. */
  concurrencyLimit: integer('concurrency_limit').notNull().default(0),
  /** Messages a second of each sender of a process; 0 is the installation's limit, here and below. */
  channelRateLimitRps: doublePrecision('channel_rate_limit_rps').notNull().default(0),
  /** Messages at once, where there is a rate; 0 is twice the rate. */
  channelRateBurst: integer('channel_rate_burst').notNull().default(0),
  /** Messages kept in a channel. */
  channelMessages: integer('channel_messages').notNull().default(0),
  /** Bytes of one message. */
  channelMessageBytes: bigint('channel_message_bytes', { mode: 'number' }).notNull().default(0),
  /** Bytes kept in a channel. */
  channelBytes: bigint('channel_bytes', { mode: 'number' }).notNull().default(0),
  channelsPerProcess: integer('channels_per_process').notNull().default(0),
});

/**
 * One row, counted up by every change of `tenant_runtime_state`, whoever makes it: what a node asks for to learn whether
 * it has to read the states again. Its row lock puts changes in the order of their commits, which a sequence or a
 * timestamp would not.
 */
export const tenantRuntimeRevision = pgTable('tenant_runtime_revision', {
  revision: bigint('revision', { mode: 'number' }).notNull(),
});
