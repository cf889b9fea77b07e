/**
 * The state machine of a process: waiting → running → success | failed | cancelled, and back to waiting when the
 * heartbeat times out. Each function returns the changed columns of a row, or throws.
 */
import { type Closing, isEnd, type Json, type ProcessChange, type Who } from './process.js';
import { ProcessError } from './process-error.js';
import { type ProcessRow, stateOf } from './process-row.js';
import { checkAssignment } from './standing.js';

/** The changed columns of a row. */
export interface Transition {
  /** Null if the change is not published, because it changes nothing for other callers. */
  readonly change: ProcessChange | null;
  readonly set: Partial<ProcessRow>;
}

/** The current time, and the retention of channels after the end. */
export interface Clock {
  readonly now: Date;
  readonly retentionMs: number;
}

const MIB = 1024 * 1024;
/** Maximum size of args, and of output, in bytes of JSON. */
const MAX_BODY_BYTES = MIB;
const MAX_ERROR_BYTES = 16 * 1024;
const MAX_OBSERVERS = 100;

/** Assigns the process to an executor, which gets the token with this hash. */
export function assign(row: ProcessRow, executorId: string, tokenHash: string, { now }: Clock): Transition {
  return {
    change: 'assigned',
    set: {
      state: 'running',
      executorId,
      assignments: [...row.assignments, tokenHash],
      assignedAt: now,
      heartbeatAt: now,
      dueAt: after(now, row.maxExecMs),
    },
  };
}

/**
 * Returns a process whose executor never received it; this does not count as a retry. Null if the assignment has ended.
 */
export function handBack(row: ProcessRow, tokenHash: string, { now }: Clock): Transition | null {
  if (row.state !== 'running' || row.assignments.at(-1) !== tokenHash) return null;
  return { change: 'returned', set: { ...waiting(row, now), assignments: row.assignments.slice(0, -1) } };
}

/** Records a heartbeat. @throws ProcessError `forbidden`, `stale_attempt`, `invalid_state` */
export function heartbeat(row: ProcessRow, who: Who, { now }: Clock): Transition {
  checkExecutor(row, who);
  if (row.state !== 'running') throw over(row);
  return { change: null, set: { heartbeatAt: now, dueAt: after(now, row.maxExecMs) } };
}

/**
 * Ends the process for its executor. Null if the executor has ended it before with the same result.
 * @throws ProcessError `forbidden`, `stale_attempt`, `invalid_state`, `body_too_large`
 */
export function close(row: ProcessRow, who: Who, closing: Closing, clock: Clock): Transition | null {
  const output = jsonText(closing.output ?? null, 'output', MAX_BODY_BYTES);
  const error = jsonText(closing.error ?? null, 'error', MAX_ERROR_BYTES);
  checkExecutor(row, who);
  if (row.state === 'running') {
    return { change: 'closed', set: { ...ended(closing.status, clock), output, error } };
  }
  if (row.state === 'cancelled') throw over(row);
  if (row.state === closing.status && row.output === output && row.error === error) return null;
  throw new ProcessError(
    'invalid_state',
    `process ${row.id} was closed with another result, as ${row.state}`,
  );
}

/** Ends the process for its submitter. @throws ProcessError `forbidden`, `invalid_state` */
export function cancel(row: ProcessRow, who: Who, clock: Clock): Transition {
  checkSubmitter(row, who, 'cancels it');
  if (isEnd(stateOf(row)))
    throw new ProcessError('invalid_state', `process ${row.id} is ${row.state} already`);
  return { change: 'cancelled', set: ended('cancelled', clock) };
}

/**
 * Sets the observers. Null if nothing changes.
 * @throws ProcessError `forbidden`, `too_many_observers`
 */
export function observe(
  row: ProcessRow,
  who: Who,
  { add, remove }: { readonly add: readonly string[]; readonly remove: readonly string[] },
): Transition | null {
  checkSubmitter(row, who, 'says who observes it');
  const observers = [...new Set([...row.observers, ...add])].filter((one) => !remove.includes(one));
  if (observers.length > MAX_OBSERVERS) {
    throw new ProcessError('too_many_observers', `a process has at most ${MAX_OBSERVERS} observers`, {
      limit: MAX_OBSERVERS,
    });
  }
  const isSame = observers.join() === row.observers.join();
  return isSame ? null : { change: 'observed', set: { observers } };
}

/** Handles a timeout of the wait or of the run. Null if neither has expired. */
export function expire(row: ProcessRow, clock: Clock): Transition | null {
  if (row.dueAt === null || row.dueAt > clock.now || row.closedAt !== null) return null;
  if (row.state === 'waiting') return expired(`no executor took it within ${row.maxWaitMs} ms`, clock);
  if (row.attempt > row.maxRetries) {
    return expired(`attempt ${row.attempt} was not heard of for ${row.maxExecMs} ms, the last one`, clock);
  }
  return { change: 'returned', set: { ...waiting(row, clock.now), attempt: row.attempt + 1 } };
}

/** Records that the channels were removed. */
export function cleaned({ now }: Clock): Transition {
  return { change: null, set: { cleanedAt: now, dueAt: null } };
}

/** The time after `ms` milliseconds; null for no limit. */
export function after(now: Date, ms: number | null): Date | null {
  return ms === null ? null : new Date(now.getTime() + ms);
}

/** Args as stored text. @throws ProcessError `body_too_large` */
export function argsText(args: Json | undefined): string {
  return jsonText(args ?? null, 'args', MAX_BODY_BYTES);
}

function waiting(row: ProcessRow, now: Date): Partial<ProcessRow> {
  return {
    state: 'waiting',
    executorId: null,
    assignedAt: null,
    heartbeatAt: null,
    dueAt: after(now, row.maxWaitMs),
  };
}

function ended(state: 'success' | 'failed' | 'cancelled', { now, retentionMs }: Clock): Partial<ProcessRow> {
  return { state, closedAt: now, dueAt: after(now, retentionMs) };
}

function expired(why: string, clock: Clock): Transition {
  const set = { ...ended('failed', clock), executorId: null, error: JSON.stringify(why) };
  return { change: 'expired', set };
}

function checkExecutor(row: ProcessRow, { credentialId, assignment }: Who): void {
  if (assignment !== undefined) checkAssignment(row, credentialId, assignment);
  else if (row.state !== 'running')
    throw new ProcessError('invalid_state', `process ${row.id} is ${row.state}, not running`);
  else
    throw new ProcessError('forbidden', 'only the executor may do this, with its assignment', {
      hint: 'send the assignment from the assign answer as header Weir-Assignment, or as assignment in the body',
    });
}

function checkSubmitter(row: ProcessRow, { credentialId }: Who, does: string): void {
  if (credentialId !== '' && credentialId === row.submitterId) return;
  throw new ProcessError('forbidden', `only the credential that submitted process ${row.id} ${does}`);
}

function over(row: ProcessRow): ProcessError {
  return new ProcessError(
    'stale_attempt',
    `attempt ${row.attempt} of process ${row.id} is over: ${row.state}`,
  );
}

function jsonText(value: Json, name: string, limit: number): string {
  const text = unlessTooDeep(() => JSON.stringify(value), name);
  if (Buffer.byteLength(text) <= limit) return text;
  throw new ProcessError('body_too_large', `${name} has more than ${limit} bytes of JSON`, { limit });
}

/** JSON.parse accepts deeper nesting than JSON.stringify. */
function unlessTooDeep(write: () => string, name: string): string {
  try {
    return write();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ProcessError('body_too_large', `${name} is nested too deeply`);
  }
}
