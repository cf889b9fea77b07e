import { WeirError } from '../weir-error.js';

/** The state of a process; the last three are final. */
export type ProcessState = 'waiting' | 'running' | 'success' | 'failed' | 'cancelled';

/** Which side may write to a channel. */
export type Direction = 'both' | 'to_executor' | 'to_submitter';

/** A channel a process is submitted with. */
export interface ChannelSpec {
  /** 1 to 64 of `A-Z a-z 0-9 . _ -`. */
  readonly name: string;
  /** Default `both`. */
  readonly direction?: Direction;
  /** What a full channel does: `reject` messages (default), or `trim` its oldest. */
  readonly retention?: 'reject' | 'trim';
}

/** A job to be submitted. */
export interface NewProcess {
  readonly name: string;
  /** JSON. */
  readonly args?: unknown;
  /** Workers of this type get it; default `default`. */
  readonly executorType?: string;
  /** Higher ones go first; default 0. */
  readonly priority?: number;
  readonly channels?: readonly ChannelSpec[];
  /** Longest time until a worker takes it, milliseconds; then it fails. Default no limit. */
  readonly maxWaitMs?: number;
  /** Longest time without a heartbeat while it runs, milliseconds; then it waits for another worker. Default no limit. */
  readonly maxExecMs?: number;
  /** Default 3. */
  readonly maxRetries?: number;
  /**
   * A second submission with the same key within 24 h finds the first process. Default a new key for each call, so that its
   * retries are safe.
   */
  readonly idempotencyKey?: string;
}

/** A process in its current state. */
export interface Process {
  readonly id: string;
  readonly name: string;
  readonly state: ProcessState;
  readonly args: unknown;
  readonly executorType: string;
  readonly priority: number;
  /** Which try this is, from 1. */
  readonly attempt: number;
  /** What the executor closed it with; null before. */
  readonly output: unknown;
  /** Why it failed. */
  readonly error: string | null;
  readonly maxExecMs: number | null;
  readonly createdAt: Date;
  /** When it ended; null before. */
  readonly closedAt: Date | null;
}

/** Whether the state is final. */
export function hasEnded({ state }: Process): boolean {
  return state === 'success' || state === 'failed' || state === 'cancelled';
}

/** A process from an answer. @throws WeirError `unexpected_answer` */
export function processOf(given: unknown): Process {
  // The cast holds after the check: a Weir server's answers are of one form.
  const document = given as ProcessDocument | null;
  if (typeof document?.id !== 'string' || typeof document.state !== 'string') {
    throw new WeirError('unexpected_answer', 'the server does not answer with a process');
  }
  return {
    id: document.id,
    name: document.name,
    state: document.state,
    args: document.args ?? null,
    executorType: document.executor_type,
    priority: document.priority,
    attempt: document.attempt,
    output: document.output ?? null,
    error: document.error ?? null,
    maxExecMs: document.max_exec_ms ?? null,
    createdAt: new Date(document.created_at),
    closedAt: document.closed_at == null ? null : new Date(document.closed_at),
  };
}

interface ProcessDocument {
  readonly id: string;
  readonly name: string;
  readonly state: ProcessState;
  readonly args?: unknown;
  readonly executor_type: string;
  readonly priority: number;
  readonly attempt: number;
  readonly output?: unknown;
  readonly error?: string | null;
  readonly max_exec_ms?: number | null;
  readonly created_at: string;
  readonly closed_at?: string | null;
}
