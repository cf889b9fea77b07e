import type { Direction, Retention } from '../channel/index.js';

/** The states of a process; the last three are final. */
export const PROCESS_STATES = ['waiting', 'running', 'success', 'failed', 'cancelled'] as const;

/** One of {@link PROCESS_STATES}. */
export type ProcessState = (typeof PROCESS_STATES)[number];

/** Whether a state is final. */
export function isEnd(state: ProcessState): boolean {
  return state !== 'waiting' && state !== 'running';
}

/** The changes of a process, as the feed of its project reports them. */
export const PROCESS_CHANGES = [
  /** The process waits for an executor. */
  'submitted',
  /** The process was assigned to an executor. */
  'assigned',
  /** The heartbeat of the executor timed out, or the executor had disconnected: the process waits again. */
  'returned',
  /** The observers changed. */
  'observed',
  /** The executor ended the process. */
  'closed',
  /** The submitter ended the process. */
  'cancelled',
  /** The process failed: no executor took it in time, or its retries are used up. */
  'expired',
] as const;

/** One of {@link PROCESS_CHANGES}. */
export type ProcessChange = (typeof PROCESS_CHANGES)[number];

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A channel of a process. */
export interface ProcessChannel {
  readonly name: string;
  readonly direction: Direction;
  readonly retention: Retention;
}

/** A process to submit. */
export interface NewProcess {
  /** A name for display and for {@link ProcessFilter}. */
  readonly name: string;
  /** Input for the executor; at most 1 MiB as JSON. Default null. */
  readonly args?: Json | undefined;
  /** The type of executors that can run it; default `default`. */
  readonly executorType?: string | undefined;
  /** Higher priorities are assigned first; default 0. */
  readonly priority?: number | undefined;
  /** Maximum count: the limit of the project, 100 by default. Default none. */
  readonly channels?: readonly (Pick<ProcessChannel, 'name'> & Partial<ProcessChannel>)[] | undefined;
  /** The process fails if no executor takes it within this time, milliseconds; default unlimited. */
  readonly maxWaitMs?: number | undefined;
  /** The process is returned if its executor sends no heartbeat within this time, milliseconds; default unlimited. */
  readonly maxExecMs?: number | undefined;
  /** How many times it may be returned before it fails; default 3. */
  readonly maxRetries?: number | undefined;
  /** For 24 hours, submitting the same process with this key finds the existing one. */
  readonly idempotencyKey?: string | undefined;
}

/** A job with a submitter and, after assignment, an executor. */
export interface Process {
  /** A UUIDv7. */
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  readonly args: Json;
  readonly executorType: string;
  readonly priority: number;
  readonly state: ProcessState;
  /** The credential that submitted the process. */
  readonly submitterId: string;
  /** The credential that the process is assigned to, also after the end; null before assignment. */
  readonly executorId: string | null;
  /** Number of the current assignment, from 1; while waiting, of the next one. */
  readonly attempt: number;
  readonly maxRetries: number;
  readonly maxWaitMs: number | null;
  readonly maxExecMs: number | null;
  readonly channels: readonly ProcessChannel[];
  /** Credentials that may read its channels. */
  readonly observers: readonly string[];
  /** The result. */
  readonly output: Json;
  /** The reason of the failure. */
  readonly error: string | null;
  readonly createdAt: Date;
  /** Time of the assignment. */
  readonly assignedAt: Date | null;
  /** Time of the last heartbeat of the executor. */
  readonly heartbeatAt: Date | null;
  /** When the wait for an executor, or the wait for a heartbeat, times out. */
  readonly dueAt: Date | null;
  /** Time of the end. */
  readonly closedAt: Date | null;
}

/** The caller of an operation on a process. */
export interface Who {
  readonly credentialId: string;
  /** The assignment token, if the caller is the executor. */
  readonly assignment?: string | undefined;
}

/** How an executor ends a process. */
export interface Closing {
  readonly status: 'success' | 'failed';
  /** At most 1 MiB as JSON; default null. */
  readonly output?: Json | undefined;
  /** At most 16 KiB; default null. */
  readonly error?: string | undefined;
}

/** Which processes to list. */
export interface ProcessFilter {
  readonly state?: ProcessState | undefined;
  readonly name?: string | undefined;
  /** Only processes submitted before this one. */
  readonly after?: string | undefined;
  /** At most 1,000; default 100. */
  readonly limit?: number | undefined;
}

/** A process as its executor receives it. */
export interface Assigned {
  readonly process: Process;
  /** The token for later calls of the executor; it cannot be read again. */
  readonly assignment: string;
}
