import type { processes } from '@weir/postgres';
import type { Json, Process, ProcessState } from './process.js';

/** A process as PostgreSQL keeps it. */
export type ProcessRow = typeof processes.$inferSelect;

/** The process a row is. */
export function processOf(row: ProcessRow): Process {
  return {
    id: row.id,
    projectId: row.projectId,
    name: row.name,
    args: jsonOf(row.args),
    executorType: row.executorType,
    priority: row.priority,
    state: stateOf(row),
    submitterId: row.submitterId,
    executorId: row.executorId,
    attempt: row.attempt,
    maxRetries: row.maxRetries,
    maxWaitMs: row.maxWaitMs,
    maxExecMs: row.maxExecMs,
    channels: row.channels,
    observers: row.observers,
    output: jsonOf(row.output),
    // The cast holds by what transitions write.
    error: jsonOf(row.error) as string | null,
    createdAt: row.createdAt,
    assignedAt: row.assignedAt,
    heartbeatAt: row.heartbeatAt,
    // After the end it says when the channels go.
    dueAt: row.closedAt === null ? row.dueAt : null,
    closedAt: row.closedAt,
  };
}

/** Where a row stands. */
export function stateOf({ state }: Pick<ProcessRow, 'state'>): ProcessState {
  // The cast holds: nothing else is written.
  return state as ProcessState;
}

function jsonOf(text: string): Json {
  // The cast holds by JSON.parse.
  return JSON.parse(text) as Json;
}
