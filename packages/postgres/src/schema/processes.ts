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

/** Jobs, including ended ones. JSON of tenants is stored as text: jsonb rejects some of it, and reorders the rest. */
export const processes = pgTable(
  'processes',
  {
    /** A UUIDv7: the order of ids is the order of submission. */
    id: uuid('id').primaryKey(),
    projectId: uuid('project_id').notNull(),
    /** Number of changes. */
    revision: integer('revision').notNull(),
    name: text('name').notNull(),
    args: text('args').notNull(),
    executorType: text('executor_type').notNull(),
    priority: integer('priority').notNull(),
    state: text('state').notNull(),
    submitterId: text('submitter_id').notNull(),
    /** Null while not assigned. */
    executorId: text('executor_id'),
    /** Number of the assignment, from 1; while waiting, of the next one. */
    attempt: integer('attempt').notNull(),
    maxRetries: integer('max_retries').notNull(),
    maxWaitMs: bigint('max_wait_ms', { mode: 'number' }),
    maxExecMs: bigint('max_exec_ms', { mode: 'number' }),
    channels: jsonb('channels').$type<readonly StoredChannel[]>().notNull(),
    /** Limits of its channels; null for a process of a version without stored limits. */
    limits: jsonb('limits').$type<StoredLimits>(),
    /** The log with its channels. */
    logId: text('log_id').notNull(),
    /** Credentials that may read its channels. */
    observers: text('observers').array().notNull(),
    /** SHA-256 of the issued assignment tokens, in order. */
    assignments: text('assignments').array().notNull(),
    output: text('output').notNull(),
    /** JSON too, because an error may contain characters that text rejects. */
    error: text('error').notNull(),
    idempotencyKey: text('idempotency_key'),
    /** SHA-256 of the submission with that key. */
    idempotencyHash: bytea('idempotency_hash'),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
    assignedAt: timestamp('assigned_at', { withTimezone: true }),
    heartbeatAt: timestamp('heartbeat_at', { withTimezone: true }),
    closedAt: timestamp('closed_at', { withTimezone: true }),
    /** When its channels were removed. */
    cleanedAt: timestamp('cleaned_at', { withTimezone: true }),
    /** When the next action is due: a timeout of the wait or the run, or the removal of its channels. */
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

/** A channel of a process. */
export interface StoredChannel {
  readonly name: string;
  readonly direction: 'both' | 'to_executor' | 'to_submitter';
  readonly retention: 'reject' | 'trim';
}

/** The limits of a process at its submission. */
export interface StoredLimits {
  readonly channelsPerProcess: number;
  /** Of one message. */
  readonly payloadBytes: number;
  /** Retained in a channel. */
  readonly entries: number;
  /** Retained in a channel. */
  readonly bytes: number;
  /** Of each sender; `false` for unlimited. */
  readonly rateLimit: { readonly perSecond: number; readonly burst: number } | false;
}

/**
 * Changes of processes to be published on the feed, written in the transactions that make them. `id` is in order only
 * within one process: of concurrent transactions, the later number may commit first. So `seq`, by which they are
 * published once, is assigned at publication.
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
