import { z } from 'zod';

/** A process as the server tells of it: what this command reads of it, the rest goes through as it came. */
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

/** A process with the token of its executor. */
export const assignedDocument = processDocument.extend({ assignment: z.string() });

/** Workers that say that they live do so every 15 s at least. */
const SILENT_MS = 60_000;
/** An executor that never did may be a shell that works. */
const UNHEARD_MS = 5 * 60_000;

/**
 * Whether a process that no longest time ends has had no sign of life of its executor for so long that the executor may
 * be gone.
 */
export function isStale(process: ProcessDocument, now: number): boolean {
  const { state, max_exec_ms: maxExecMs, heartbeat_at: heartbeat, assigned_at: assigned } = process;
  if (state !== 'running' || (maxExecMs ?? null) !== null) return false;
  const limitMs = (heartbeat ?? null) === null ? UNHEARD_MS : SILENT_MS;
  return now - Date.parse(heartbeat ?? assigned ?? process.created_at) > limitMs;
}

/** Whether nothing changes any more. */
export function hasEnded({ state }: ProcessDocument): boolean {
  return state !== 'waiting' && state !== 'running';
}
