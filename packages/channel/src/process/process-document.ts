import type { Process, ProcessChange } from './process.js';

/** Maximum size of args or output that a change document includes, in bytes of JSON. */
const MAX_CARRIED_BYTES = 4096;

/** The JSON document of a process. */
export function processDocument(process: Process) {
  return {
    id: process.id,
    project_id: process.projectId,
    name: process.name,
    args: process.args,
    executor_type: process.executorType,
    priority: process.priority,
    state: process.state,
    submitter_id: process.submitterId,
    executor_id: process.executorId,
    attempt: process.attempt,
    max_retries: process.maxRetries,
    max_wait_ms: process.maxWaitMs,
    max_exec_ms: process.maxExecMs,
    channels: process.channels,
    observers: process.observers,
    output: process.output,
    error: process.error,
    created_at: process.createdAt,
    assigned_at: process.assignedAt,
    heartbeat_at: process.heartbeatAt,
    due_at: process.dueAt,
    closed_at: process.closedAt,
  };
}

/**
 * The document of a change, one line of JSON: the process after the change, without large args and output.
 * @param revision identifies the change among those of its process
 */
export function changeDocument(process: Process, revision: number, change: ProcessChange, at: Date): string {
  const { args, output, ...rest } = processDocument(process);
  const event_id = `${process.id}.${revision}`;
  return JSON.stringify({ ...rest, ...carried({ args, output }), change, at, event_id });
}

/** The small bodies, and the names of the omitted ones. */
function carried(bodies: Readonly<Record<'args' | 'output', unknown>>) {
  const entries = Object.entries(bodies);
  const isLarge = (body: unknown) => Buffer.byteLength(JSON.stringify(body)) > MAX_CARRIED_BYTES;
  const omitted = entries.filter(([, body]) => isLarge(body)).map(([name]) => name);
  const small = Object.fromEntries(entries.filter(([name]) => !omitted.includes(name)));
  return omitted.length === 0 ? small : { ...small, omitted };
}
