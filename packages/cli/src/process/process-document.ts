import { z } from 'zod';

/** A process in the server's JSON; only the members that this command reads. Others pass through. */
export const processDocument = z.looseObject({
  id: z.string(),
  name: z.string(),
  state: z.enum(['waiting', 'running', 'success', 'failed', 'cancelled']),
  executor_type: z.string(),
  priority: z.number(),
  attempt: z.number(),
  args: z.unknown(),
  output: z.unknown(),
  error: z.string().nullish(),
  channels: z.array(z.looseObject({ name: z.string() })),
  created_at: z.string(),
  assigned_at: z.string().nullish(),
  heartbeat_at: z.string().nullish(),
  max_exec_ms: z.number().nullish(),
  closed_at: z.string().nullish(),
});

/** One of {@link processDocument}. */
export type ProcessDocument = z.output<typeof processDocument>;

/** A process with its executor's token. */
export const assignedDocument = processDocument.extend({ assignment: z.string() });

/** Executors of the client library send a heartbeat at least every 15 s. */
const SILENT_MS = 60_000;
/** An executor that has never sent a heartbeat may be a shell script. */
const UNHEARD_MS = 5 * 60_000;

/** True if a process without a maximum run time has had no heartbeat for so long that its executor may be dead. */
export function isStale(process: ProcessDocument, now: number): boolean {
  const { state, max_exec_ms: maxExecMs, heartbeat_at: heartbeat, assigned_at: assigned } = process;
  if (state !== 'running' || (maxExecMs ?? null) !== null) return false;
  const limitMs = (heartbeat ?? null) === null ? UNHEARD_MS : SILENT_MS;
  return now - Date.parse(heartbeat ?? assigned ?? process.created_at) > limitMs;
}

/** True if the process has reached a final state. */
export function hasEnded({ state }: ProcessDocument): boolean {
  return state !== 'waiting' && state !== 'running';
}
