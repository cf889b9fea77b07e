import type { Direction, Retention } from '../channel/index.js';

/** Where a process stands; the last three are ends. */
export const PROCESS_STATES = ['waiting', 'running', 'success', 'failed', 'cancelled'] as const;

/** One of {@link PROCESS_STATES}. */
export type ProcessState = (typeof PROCESS_STATES)[number];

/** Whether nothing changes any more. */
export function isEnd(state: ProcessState): boolean {
  return state !== 'waiting' && state !== 'running';
}

/** What happened to a process, as its project's feed tells it. */
export const PROCESS_CHANGES = [
  /** It waits for an executor. */
  'submitted',
  /** An executor has it. */
  'assigned',
  /** Its executor was not heard of in time, or had left: it waits again. */
  'returned',
  /** Who may read its channels is different. */
  'observed',
  /** Its executor ended it. */
  'closed',
  /** Its submitter ended it. */
  'cancelled',
  /** It failed because nobody took it in time, or none of its executors was heard of. */
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

/** What a process is submitted with. */
export interface NewProcess {
  /** What it does, for people and for {@link ProcessFilter}. */
  readonly name: string;
  /** For the executor; at most 1 MiB as JSON. Default null. */
  readonly args?: Json | undefined;
  /** Who can run it; default `default`. */
  readonly executorType?: string | undefined;
  /** Higher ones are assigned first; default 0. */
  readonly priority?: number | undefined;
  /** At most as many as the limits of the project say, 100 by default; default none. */
  readonly channels?: readonly (Pick<ProcessChannel, 'name'> & Partial<ProcessChannel>)[] | undefined;
  /** It fails when nobody takes it for so many milliseconds; default for ever. */
  readonly maxWaitMs?: number | undefined;
  /** It is taken from an executor not heard of for so many milliseconds; default never. */
  readonly maxExecMs?: number | undefined;
  /** How often it may be taken back before it fails; default 3. */
  readonly maxRetries?: number | undefined;
  /** For 24 hours, submitting the same with it finds the process there is. */
  readonly idempotencyKey?: string | undefined;
}

/** A job with a submitter and, once assigned, an executor. */
export interface Process {
  /** A UUIDv7. */
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  readonly args: Json;
  readonly executorType: string;
  readonly priority: number;
  readonly state: ProcessState;
  /** The credential that submitted. */
  readonly submitterId: string;
  /** The credential it is assigned to, also after it was closed; null while nobody has it. */
  readonly executorId: string | null;
  /** Number of the assignment, from 1; of the next one while it waits. */
  readonly attempt: number;
  readonly maxRetries: number;
  readonly maxWaitMs: number | null;
  readonly maxExecMs: number | null;
  readonly channels: readonly ProcessChannel[];
  /** Credentials that may read its channels. */
  readonly observers: readonly string[];
  /** What came of it. */
  readonly output: Json;
  /** Why it failed. */
  readonly error: string | null;
  readonly createdAt: Date;
  /** When its executor got it. */
  readonly assignedAt: Date | null;
  /** When its executor was last heard of. */
  readonly heartbeatAt: Date | null;
  /** When it is over for its executor unless heard of, or fails as nobody takes it. */
  readonly dueAt: Date | null;
  /** When it came to its end. */
  readonly closedAt: Date | null;
}

/** Who asks for something of a process. */
export interface Who {
  readonly credentialId: string;
  /** The assignment token, from one who calls as the executor. */
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
  /** Those submitted before this one. */
  readonly after?: string | undefined;
  /** At most 1,000; default 100. */
  readonly limit?: number | undefined;
}

/** What an executor gets. */
export interface Assigned {
  readonly process: Process;
  /** The token that its calls carry from now on; nobody can ask for it again. */
  readonly assignment: string;
}
