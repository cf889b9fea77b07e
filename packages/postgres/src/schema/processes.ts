import { sql } from 'drizzle-orm';
import {
  bigint,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { bytea } from './bytea.js';

/** Jobs, also those that ended. JSON of tenants is kept as text: jsonb refuses some of it, and reorders the rest. */
export const processes = pgTable(
  'processes',
  {
    /** A UUIDv7: their order is that of submission. */
    id: uuid('id').primaryKey(),
    projectId: uuid('project_id').notNull(),
    /** Counts the changes. */
    revision: integer('revision').notNull(),
    name: text('name').notNull(),
    args: text('args').notNull(),
    executorType: text('executor_type').notNull(),
    priority: integer('priority').notNull(),
    state: text('state').notNull(),
    submitterId: text('submitter_id').notNull(),
    /** Null while nobody has it. */
    executorId: text('executor_id'),
    /** Number of the assignment, from 1; of the next one while it waits. */
    attempt: integer('attempt').notNull(),
    maxRetries: integer('max_retries').notNull(),
    maxWaitMs: bigint('max_wait_ms', { mode: 'number' }),
    maxExecMs: bigint('max_exec_ms', { mode: 'number' }),
    channels: jsonb('channels').$type<readonly StoredChannel[]>().notNull(),
    /** What its channels may do; null for a process of a version that kept no limits. */
    limits: jsonb('limits').$type<StoredLimits>(),
    /** The log its channels are in. */
    logId: text('log_id').notNull(),
    /** Credentials that may read its channels. */
    observers: text('observers').array().notNull(),
    /** SHA-256 of the assignment tokens given out, in order. */
    assignments: text('assignments').array().notNull(),
    output: text('output').notNull(),
    /** JSON too: an error may hold what text cannot. */
    error: text('error').notNull(),
    idempotencyKey: text('idempotency_key'),
    /** SHA-256 of what was submitted with that key. */
    idempotencyHash: bytea('idempotency_hash'),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
    assignedAt: timestamp('assigned_at', { withTimezone: true }),
    heartbeatAt: timestamp('heartbeat_at', { withTimezone: true }),
    closedAt: timestamp('closed_at', { withTimezone: true }),
    /** Its channels were removed. */
    cleanedAt: timestamp('cleaned_at', { withTimezone: true }),
    /** When something is to be done: it waited or ran for too long, or its channels are to be removed. */
    dueAt: timestamp('due_at', { withTimezone: true }),
  },
  (t) => [
    index('processes_waiting')
      .on(t.projectId, t.executorType, t.priority.desc(), t.id)
      .where(sql`state = 'waiting'`),
    index('processes_due').on(t.dueAt).where(sql`due_at is not null`),
    index('processes_listed').on(t.projectId, t.id),
    index('processes_state').on(t.projectId, t.state, t.id),
    index('processes_name').on(t.projectId, t.name, t.id),
    uniqueIndex('processes_idempotency')
      .on(t.projectId, t.submitterId, t.idempotencyKey)
      .where(sql`idempotency_key is not null`),
  ],
);

/** A channel as a process has it. */
export interface StoredChannel {
  readonly name: string;
  readonly direction: 'both' | 'to_executor' | 'to_submitter';
  readonly retention: 'reject' | 'trim';
}

/** What a process may do, as it was when it was submitted. */
export interface StoredLimits {
  readonly channelsPerProcess: number;
  /** Of one message. */
  readonly payloadBytes: number;
  /** Kept in a channel. */
  readonly entries: number;
  /** Kept in a channel. */
  readonly bytes: number;
  /** Of each sender; `false` for as fast as it can. */
  readonly rateLimit: { readonly perSecond: number; readonly burst: number } | false;
}

/**
 * Changes of processes on their way to the feed, written in the transactions that make them. `id` is in order for one
 * process only: of transactions at the same time, the later number may be visible first. So `seq`, by which they
 * are published once, is given when they are published.
 */
export const processOutbox = pgTable(
  'process_outbox',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().default(sql`nextval('process_outbox_id_seq')`),
    seq: bigint('seq', { mode: 'number' }),
    projectId: uuid('project_id').notNull(),
    processId: uuid('process_id').notNull(),
    change: text('change').notNull(),
    at: timestamp('at', { withTimezone: true }).notNull(),
    /** JSON. */
    document: text('document').notNull(),
  },
  (t) => [index('process_outbox_seq').on(t.seq)],
);
