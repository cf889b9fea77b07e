import { createHash } from 'node:crypto';
import { ChannelError, channelId, type ProcessLimits } from '../channel/index.js';
import type { NewProcess, ProcessChannel } from './process.js';
import type { ProcessRow } from './process-row.js';
import { after, argsText } from './transitions.js';

/** The context of a submission. */
export interface Submission {
  readonly id: string;
  readonly projectId: string;
  readonly submitterId: string;
  /** The id of the log that will contain its channels. */
  readonly logId: string;
  /** The limits that hold until the end of the process. */
  readonly limits: ProcessLimits;
  readonly now: Date;
}

const DEFAULT_RETRIES = 3;

/**
 * The row of a submitted process; everything is checked except the number of channels.
 * @throws ProcessError `body_too_large`; ChannelError `invalid_channel`, `channel_exists`
 */
export function rowOf(
  { id, projectId, submitterId, logId, limits, now }: Submission,
  wanted: NewProcess,
): ProcessRow {
  const { idempotencyKey = null, maxWaitMs = null } = wanted;
  const submitted = {
    name: wanted.name,
    args: argsText(wanted.args),
    executorType: wanted.executorType ?? 'default',
    priority: wanted.priority ?? 0,
    channels: channelsOf(id, wanted.channels ?? []),
    maxRetries: wanted.maxRetries ?? DEFAULT_RETRIES,
    maxWaitMs,
    maxExecMs: wanted.maxExecMs ?? null,
  };
  return {
    ...submitted,
    id,
    projectId,
    submitterId,
    logId,
    limits,
    revision: 1,
    state: 'waiting',
    executorId: null,
    attempt: 1,
    observers: [],
    assignments: [],
    output: 'null',
    error: 'null',
    idempotencyKey,
    idempotencyHash:
      idempotencyKey === null ? null : createHash('sha256').update(JSON.stringify(submitted)).digest(),
    createdAt: now,
    assignedAt: null,
    heartbeatAt: null,
    closedAt: null,
    cleanedAt: null,
    dueAt: after(now, maxWaitMs),
  };
}

/**
 * Separate from the other checks, because it applies to new processes only: an existing process was submitted under the
 * limit of its time.
 * @throws ChannelError `too_many_channels`
 */
export function checkChannelCount(count: number, limit: number): void {
  if (count <= limit) return;
  throw new ChannelError('too_many_channels', `a process has at most ${limit} channels`, { limit });
}

function channelsOf(id: string, wanted: NonNullable<NewProcess['channels']>): ProcessChannel[] {
  const names = new Set<string>();
  return wanted.map(({ name, direction = 'both', retention = 'reject' }) => {
    // Creating the id validates the name.
    channelId(id, name);
    if (names.has(name)) {
      throw new ChannelError('channel_exists', `the channel name ${JSON.stringify(name)} appears twice`, {
        hint: 'give each channel of a process a different name',
      });
    }
    names.add(name);
    return { name, direction, retention };
  });
}
