import { bigint, boolean, doublePrecision, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { projects } from './projects.js';

/** The host's decisions about tenants, read by every node. A project without a row is admitted without limits. */
export const tenantRuntimeState = pgTable('tenant_runtime_state', {
  projectId: uuid('project_id')
    .primaryKey()
    .references(() => projects.id, { onDelete: 'cascade' }),
  enabled: boolean('enabled').notNull().default(true),
  suspended: boolean('suspended').notNull().default(false),
  /** The status for a suspended or disabled tenant: 403, or 402. */
  denyStatus: integer('deny_status').notNull().default(403),
  denyReason: text('deny_reason'),
  /** Requests a second; 0 for unlimited. */
  rateLimitRps: doublePrecision('rate_limit_rps').notNull().default(0),
  /** Requests at once; 0 for twice the rate. */
  rateBurst: integer('rate_burst').notNull().default(0),
  /** Concurrent requests; 0 for unlimited. */
  concurrencyLimit: integer('concurrency_limit').notNull().default(0),
  /** Messages a second of each sender of a process; 0 for the installation's limit, here and below. */
  channelRateLimitRps: doublePrecision('channel_rate_limit_rps').notNull().default(0),
  /** Messages at once with a rate; 0 for twice the rate. */
  channelRateBurst: integer('channel_rate_burst').notNull().default(0),
  /** Messages retained in a channel. */
  channelMessages: integer('channel_messages').notNull().default(0),
  /** Bytes of one message. */
  channelMessageBytes: bigint('channel_message_bytes', { mode: 'number' }).notNull().default(0),
  /** Bytes retained in a channel. */
  channelBytes: bigint('channel_bytes', { mode: 'number' }).notNull().default(0),
  channelsPerProcess: integer('channels_per_process').notNull().default(0),
});

/**
 * One row, incremented by every change of `tenant_runtime_state` through a trigger, so that manual changes count too. A
 * node reads it to learn whether to reload the states. Its row lock orders changes by their commits, which a sequence
 * or a timestamp would not.
 */
export const tenantRuntimeRevision = pgTable('tenant_runtime_revision', {
  revision: bigint('revision', { mode: 'number' }).notNull(),
});
