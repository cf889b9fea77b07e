import type { Caller, Router } from '@weir/channel';
import type { Postgres } from '@weir/postgres';
import type { ProcessLogger } from './logger.js';
import type { Assigned, Closing, NewProcess, Process, ProcessFilter, Who } from './process.js';

/** What {@link Processes} works with. */
export interface ProcessesOptions {
  readonly postgres: Postgres;
  /** Of the channels; closed by whoever made it, after this. */
  readonly router: Router;
  /** How long channels can be read after the end, milliseconds. */
  readonly retentionMs: number;
  readonly logger: ProcessLogger;
  /** Epoch milliseconds; default `Date.now`. */
  readonly now?: () => number;
}

/** The processes of all projects. */
export class Processes {
  readonly router: Router;

  constructor(o: ProcessesOptions) {
    this.router = o.router;
  }

  start(): void {}

  async close(): Promise<void> {}

  submit(
    _projectId: string,
    _submitterId: string,
    _wanted: NewProcess,
  ): Promise<{ readonly process: Process; readonly isNew: boolean }> {
    throw new Error('comes next');
  }

  assign(
    _projectId: string,
    _executorId: string,
    _o: { readonly executorType: string; readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<Assigned | null> {
    throw new Error('comes next');
  }

  heartbeat(_projectId: string, _id: string, _who: Who): Promise<Process> {
    throw new Error('comes next');
  }

  closeProcess(_projectId: string, _id: string, _who: Who, _closing: Closing): Promise<Process> {
    throw new Error('comes next');
  }

  cancel(_projectId: string, _id: string, _who: Who): Promise<Process> {
    throw new Error('comes next');
  }

  changeObservers(
    _projectId: string,
    _id: string,
    _who: Who,
    _change: { readonly add: readonly string[]; readonly remove: readonly string[] },
  ): Promise<Process> {
    throw new Error('comes next');
  }

  get(_projectId: string, _id: string): Promise<Process> {
    throw new Error('comes next');
  }

  list(
    _projectId: string,
    _filter: ProcessFilter,
  ): Promise<{ readonly processes: readonly Process[]; readonly next: string | null }> {
    throw new Error('comes next');
  }

  /** Resolves at an end state, else after `timeoutMs` or when the signal aborts with the process as it is. */
  wait(
    _projectId: string,
    _id: string,
    _o: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<Process> {
    throw new Error('comes next');
  }

  /**
   * Verifies who asks for channels of a process, and makes the router stand as PostgreSQL says.
   * @throws ProcessError `process_not_found`, `forbidden`, `stale_attempt`; ChannelError `log_lost`, `channel_gone`
   */
  enter(_projectId: string, _processId: string, _who: Who): Promise<Caller> {
    throw new Error('comes next');
  }
}
