import type { processes } from '@weir/postgres';
import type { Json, Process, ProcessState } from './process.js';

/** A process as PostgreSQL stores it. */
export type ProcessRow = typeof processes.$inferSelect;

/** Converts a row to a process. */
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
    // The cast holds by the writes in transitions.ts.
    error: jsonOf(row.error) as string | null,
    createdAt: row.createdAt,
    assignedAt: row.assignedAt,
    heartbeatAt: row.heartbeatAt,
    // After the end, the column contains the time at which the channels are removed.
    dueAt: row.closedAt === null ? row.dueAt : null,
    closedAt: row.closedAt,
  };
}

/** The state of a row. */
export function stateOf({ state }: Pick<ProcessRow, 'state'>): ProcessState {
  // The cast holds: no other values are written.
  return state as ProcessState;
}

function jsonOf(text: string): Json {
  // The cast holds by JSON.parse.
  return JSON.parse(text) as Json;
}
