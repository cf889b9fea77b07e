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
  closed_at: z.string().nullish(),
});

/** One of {@link processDocument}. */
export type ProcessDocument = z.output<typeof processDocument>;

/** A process with the token of its executor. */
export const assignedDocument = processDocument.extend({ assignment: z.string() });

/** Whether nothing changes any more. */
export function hasEnded({ state }: ProcessDocument): boolean {
  return state !== 'waiting' && state !== 'running';
}
