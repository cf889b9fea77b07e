import { createHash } from 'node:crypto';
import { ChannelError, channelId, type ProcessLimits } from '../channel/index.js';
import type { NewProcess, ProcessChannel } from './process.js';
import type { ProcessRow } from './process-row.js';
import { after, argsText } from './transitions.js';

/** What a submission is made by. */
export interface Submission {
  readonly id: string;
  readonly projectId: string;
  readonly submitterId: string;
  /** The log its channels will be in. */
  readonly logId: string;
  /** What holds until its end. */
  readonly limits: ProcessLimits;
  readonly now: Date;
}

const DEFAULT_RETRIES = 3;

/**
 * The row of a process that is submitted, once everything about it is checked but how many channels it has.
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
 * Apart from the rest, as it is of new processes only: one that there is has been submitted under the limit of its time.
 * @throws ChannelError `too_many_channels`
 */
export function checkChannelCount(count: number, limit: number): void {
  if (count <= limit) return;
  throw new ChannelError('too_many_channels', `a process has at most ${limit} channels`, { limit });
}

function channelsOf(id: string, wanted: NonNullable<NewProcess['channels']>): ProcessChannel[] {
  const names = new Set<string>();
  return wanted.map(({ name, direction = 'both', retention = 'reject' }) => {
    // The name of a channel is checked by making its id.
    channelId(id, name);
    if (names.has(name)) {
      throw new ChannelError('channel_exists', `the channel ${JSON.stringify(name)} is named twice`, {
        hint: 'give each channel of a process a name of its own',
      });
    }
    names.add(name);
    return { name, direction, retention };
  });
}
