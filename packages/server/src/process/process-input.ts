/** Input schemas of the process routes. */
import { type Json, PROCESS_STATES } from '@weir/channel/process';
import { z } from 'zod';

const YEAR_MS = 365 * 86_400_000;
const MAX_WAIT_MS = 30_000;
const MAX_PRIORITY = 1_000_000;
const MAX_RETRIES = 100;

/** PostgreSQL rejects NUL, and other control characters have no legitimate use. */
const line = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must have no control characters');
const milliseconds = z.number().int().min(1).max(YEAR_MS);
const executorType = line(100).default('default');
// The value was parsed from JSON.
const json = z.custom<Json>(() => true);

/** A process to submit. */
export const submitInput = z
  .strictObject({
    name: line(200),
    args: json.optional(),
    executor_type: executorType,
    priority: z.number().int().min(-MAX_PRIORITY).max(MAX_PRIORITY).optional(),
    channels: z
      .array(
        z.strictObject({
          name: z.string(),
          direction: z.enum(['both', 'to_executor', 'to_submitter']).optional(),
          retention: z.enum(['reject', 'trim']).optional(),
        }),
      )
      .default([]),
    max_wait_ms: milliseconds.nullish(),
    max_exec_ms: milliseconds.nullish(),
    max_retries: z.number().int().min(0).max(MAX_RETRIES).optional(),
    idempotency_key: line(200).optional(),
  })
  .transform((given) => ({
    name: given.name,
    args: given.args,
    executorType: given.executor_type,
    priority: given.priority,
    // Omit absent members instead of setting them to undefined.
    channels: given.channels.map(({ name, direction = 'both' as const, retention = 'reject' as const }) => ({
      name,
      direction,
      retention,
    })),
    maxWaitMs: given.max_wait_ms ?? undefined,
    maxExecMs: given.max_exec_ms ?? undefined,
    maxRetries: given.max_retries,
    idempotencyKey: given.idempotency_key,
  }));

/** A request for work. */
export const assignInput = z.strictObject({
  executor_type: executorType,
  wait_ms: z.number().int().min(0).max(MAX_WAIT_MS).default(0),
});

/** Only the assignment, which is read separately. */
export const assignmentInput = z.strictObject({ assignment: z.unknown().optional() });

/** The result of a process. */
export const closeInput = assignmentInput.extend({
  status: z.enum(['success', 'failed']),
  output: json.optional(),
  error: z.string().nullish(),
});

const credentials = z.array(line(100)).max(100).default([]);
/** Changes of the observers. */
export const observersInput = z.strictObject({ add: credentials, remove: credentials });

/** A filter of processes. */
export const listInput = z.strictObject({
  state: z.enum(PROCESS_STATES).optional(),
  name: line(200).optional(),
  after: z.string().toLowerCase().optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

/** How long to wait for the end. */
export const waitInput = z.strictObject({
  timeout: z.coerce.number().int().min(0).max(MAX_WAIT_MS).default(MAX_WAIT_MS),
});
