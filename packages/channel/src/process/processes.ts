/**
 * The processes of all projects. PostgreSQL is authoritative. The router of their channels is brought in line after
 * every change; if that failed, or a crash came in between, before the next use.
 *
 * - A process is never assigned to two executors, nor to an executor that has disconnected.
 * - An executor that has lost a process can no longer change it, nor use its channels.
 * - Channels of processes in use keep working while PostgreSQL is unavailable.
 */

import { type Logger, pause } from '@weir/base';
import { isUnavailable, type Postgres } from '@weir/postgres';
import { uuidv7 } from 'uuidv7';
import {
  type Caller,
  ChannelError,
  DEFAULT_PROCESS_LIMITS,
  type ProcessLimits,
  type Router,
} from '../channel/index.js';
import { Alignment } from './alignment.js';
import { AssignmentLine } from './assignment-line.js';
import { hashOfToken, makeToken } from './assignment-token.js';
import { EndWatch } from './end-watch.js';
import { Outbox } from './outbox.js';
import {
  type Assigned,
  type Closing,
  isEnd,
  type NewProcess,
  type Process,
  type ProcessFilter,
  type Who,
} from './process.js';
import { type ProcessRow, processOf } from './process-row.js';
import { type Changed, notFound, ProcessStore } from './process-store.js';
import { callerOf, standingOf } from './standing.js';
import { type Kept, Standings } from './standings.js';
import { checkChannelCount, rowOf } from './submission.js';
import { Sweeper } from './sweeper.js';
import * as transitions from './transitions.js';

/** Options of {@link Processes}. */
export interface ProcessesOptions {
  readonly postgres: Postgres;
  /** The router of the channels. Its owner closes it after this object. */
  readonly router: Router;
  /** How long channels stay readable after the end, milliseconds. */
  readonly retentionMs: number;
  readonly logger: Logger;
  /**
   * The limits for a new process of a project; read at submission and stored with the process. Default
   * `DEFAULT_PROCESS_LIMITS`.
   */
  readonly limitsOf?: (projectId: string) => ProcessLimits;
  /** Epoch milliseconds; default `Date.now`. */
  readonly now?: () => number;
}

const DEFAULT_LIST = 100;
const GIVE_BACK_MS = 1_000;

/** See the head of this file. */
export class Processes {
  readonly router: Router;
  /** The changes to publish. */
  readonly outbox: Outbox;
  readonly #now: () => number;
  readonly #retentionMs: number;
  readonly #limitsOf: (projectId: string) => ProcessLimits;
  readonly #store: ProcessStore;
  readonly #standings: Standings;
  readonly #alignment: Alignment;
  readonly #sweeper: Sweeper;
  readonly #ends = new EndWatch();
  readonly #lines = new Map<string, AssignmentLine<Taken>>();
  readonly #stopping = new AbortController();
  readonly #work = new Set<Promise<unknown>>();

  constructor(o: ProcessesOptions) {
    const { postgres, router, retentionMs, logger, now = Date.now } = o;
    this.router = router;
    this.outbox = new Outbox(postgres);
    this.#now = now;
    this.#retentionMs = retentionMs;
    this.#limitsOf = o.limitsOf ?? (() => DEFAULT_PROCESS_LIMITS);
    this.#store = new ProcessStore({
      postgres,
      now,
      onChanged: (changed) => this.#onChanged(changed),
      onDoubt: (id) => this.#standings.doubt(id),
    });
    this.#standings = new Standings(this.#store);
    this.#alignment = new Alignment(router, logger);
    this.#sweeper = new Sweeper({
      due: (limit) => this.#store.due(limit),
      nextDue: () => this.#store.nextDue(),
      settle: (due) => this.#settle(due),
      now,
      logger,
    });
  }
  /** Starts the sweeper of due processes. */
  start(): void {
    this.#sweeper.start();
  }

  /** Answers waiting executors with null, and finishes work in progress. */
  async close(): Promise<void> {
    this.#stopping.abort();
    for (const line of this.#lines.values()) line.end();
    await this.#sweeper.close();
    await Promise.allSettled(this.#work);
    this.#alignment.close();
  }

  /**
   * Stores a process for assignment; with a known `idempotencyKey` and the same content, finds the existing process.
   * @throws ProcessError `idempotency_conflict`, `body_too_large`; ChannelError `invalid_channel`, `channel_exists`,
   *   `too_many_channels`
   */
  async submit(
    projectId: string,
    submitterId: string,
    wanted: NewProcess,
  ): Promise<{ readonly process: Process; readonly isNew: boolean }> {
    const id = uuidv7();
    const { logId } = this.router;
    const limits = this.#limitsOf(projectId);
    const made = rowOf({ id, projectId, submitterId, logId, limits, now: this.#clock.now }, wanted);
    const { row, isNew } = await this.#store.insert(made, () =>
      checkChannelCount(made.channels.length, limits.channelsPerProcess),
    );
    if (isNew) await this.#bringInLine(row);
    return { process: processOf(row), isNew };
  }

  /**
   * The next process for an executor: by priority, then age. Null if there was none within `waitMs`, or the signal
   * aborts.
   * @param o.waitMs at most 30,000 is sensible; the wait holds no database connection
   */
  async assign(
    projectId: string,
    executorId: string,
    o: { readonly executorType: string; readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<Assigned | null> {
    if (this.#stopping.signal.aborted) return null;
    const taken = await this.#line(projectId, o.executorType).wait(executorId, o.waitMs, o.signal);
    if (taken === null) return null;
    await this.#bringInLine(taken.row);
    if (!o.signal.aborted) return { process: processOf(taken.row), assignment: taken.token };
    this.#giveBack(taken);
    return null;
  }

  /**
   * Records a heartbeat of the executor, which restarts `maxExecMs`.
   * @throws ProcessError `process_not_found`, `forbidden`, `stale_attempt`, `invalid_state`
   */
  heartbeat(projectId: string, id: string, who: Who): Promise<Process> {
    return this.#change(projectId, id, (row) => transitions.heartbeat(row, who, this.#clock));
  }

  /**
   * Ends a process for its executor; idempotent.
   * @throws ProcessError `process_not_found`, `forbidden`, `stale_attempt`, `invalid_state`, `body_too_large`
   */
  closeProcess(projectId: string, id: string, who: Who, closing: Closing): Promise<Process> {
    return this.#change(projectId, id, (row) => transitions.close(row, who, closing, this.#clock));
  }

  /**
   * Ends a waiting or running process for its submitter.
   * @throws ProcessError `process_not_found`, `forbidden`, `invalid_state`
   */
  cancel(projectId: string, id: string, who: Who): Promise<Process> {
    return this.#change(projectId, id, (row) => transitions.cancel(row, who, this.#clock));
  }

  /**
   * Sets, for the submitter, which other credentials may read the channels.
   * @throws ProcessError `process_not_found`, `forbidden`, `too_many_observers`
   */
  changeObservers(
    projectId: string,
    id: string,
    who: Who,
    change: { readonly add: readonly string[]; readonly remove: readonly string[] },
  ): Promise<Process> {
    return this.#change(projectId, id, (row) => transitions.observe(row, who, change));
  }

  /** @throws ProcessError `process_not_found` */
  async get(projectId: string, id: string): Promise<Process> {
    checkId(id);
    const row = await this.#store.find(id, { settled: false });
    if (row === null || row.projectId !== projectId) throw notFound(id);
    return processOf(row);
  }

  /** Lists processes, newest first; `next` is the cursor of the next page, null at the end. */
  async list(
    projectId: string,
    filter: ProcessFilter,
  ): Promise<{ readonly processes: readonly Process[]; readonly next: string | null }> {
    const { after, limit = DEFAULT_LIST } = filter;
    if (after !== undefined) checkId(after);
    const rows = await this.#store.list(projectId, filter, limit + 1);
    const page = rows.slice(0, limit);
    return { processes: page.map(processOf), next: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
  }

  /**
   * Waits for the end of a process; after a timeout or an abort, returns its current state.
   * @throws ProcessError `process_not_found`
   */
  async wait(
    projectId: string,
    id: string,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<Process> {
    const end = this.#ends.watch(id);
    try {
      const process = await this.get(projectId, id);
      if (isEnd(process.state) || timeoutMs === 0) return process;
      await end.ended(timeoutMs, signal);
      return await this.get(projectId, id);
    } finally {
      end.release();
    }
  }

  /**
   * Authorises the caller for the channels of a process and aligns the router with PostgreSQL. For a process in use, it
   * does not query PostgreSQL.
   * @throws ProcessError `process_not_found`, `forbidden`, `stale_attempt`; ChannelError `log_lost`, `channel_gone`
   */
  async enter(projectId: string, processId: string, who: Who): Promise<Caller> {
    checkId(processId);
    const kept = await this.#standings.get(processId);
    if (kept === null || kept.standing.projectId !== projectId) throw notFound(processId);
    callerOf(kept.standing, who);
    await this.#alignment.align(kept);
    this.#checkChannels(kept);
    // The process may have changed during the alignment.
    return callerOf(kept.standing, who);
  }

  get #clock(): transitions.Clock {
    return { now: new Date(this.#now()), retentionMs: this.#retentionMs };
  }

  async #change(
    projectId: string,
    id: string,
    decide: (row: ProcessRow) => transitions.Transition | null,
  ): Promise<Process> {
    checkId(id);
    const row = await this.#store.change(projectId, id, decide);
    await this.#bringInLine(row);
    return processOf(row);
  }

  #checkChannels({ standing: { id, logId, cleanedAt, channels } }: Kept): void {
    if (channels.length === 0) return;
    if (logId !== this.router.logId)
      throw new ChannelError('log_lost', `the log that contained the channels of process ${id} was lost`);
    if (cleanedAt !== null)
      throw new ChannelError('channel_gone', `the channels of process ${id} have been removed`);
  }

  /** Runs after every commit, before the caller gets its answer. */
  #onChanged({ row, change }: Changed): void {
    this.#standings.put(standingOf(row));
    if (row.dueAt !== null) this.#sweeper.expect(row.dueAt);
    if (change === null) return;
    this.outbox.notify();
    if (row.closedAt !== null) this.#ends.notify(row.id);
    if (row.state === 'waiting') this.#lines.get(lineOf(row.projectId, row.executorType))?.look();
  }

  async #bringInLine(row: ProcessRow): Promise<void> {
    await this.#alignment.attempt(this.#standings.put(standingOf(row)));
  }

  async #settle({ id, closedAt }: Pick<ProcessRow, 'id' | 'closedAt'>): Promise<void> {
    if (closedAt === null) {
      await this.#bringInLine(
        await this.#store.change(null, id, (row) => transitions.expire(row, this.#clock)),
      );
      return;
    }
    await this.router.cleanupProcess(id);
    await this.#store.change(null, id, () => transitions.cleaned(this.#clock));
  }

  #line(projectId: string, executorType: string): AssignmentLine<Taken> {
    const key = lineOf(projectId, executorType);
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = new AssignmentLine<Taken>({
        take: (executorId) => this.#take(projectId, executorType, executorId),
        giveBack: (taken) => this.#giveBack(taken),
        onEmpty: () => this.#lines.delete(key),
      });
      this.#lines.set(key, line);
    }
    return line;
  }

  async #take(projectId: string, executorType: string, executorId: string): Promise<Taken | null> {
    const picked: Pick<Taken, 'id' | 'hash'>[] = [];
    let token = '';
    try {
      const row = await this.#store.take(projectId, executorType, (next) => {
        token = makeToken(next.attempt);
        const hash = hashOfToken(token) ?? '';
        picked.push({ id: next.id, hash });
        return transitions.assign(next, executorId, hash, this.#clock);
      });
      const [one] = picked;
      return row === null || one === undefined ? null : { ...one, row, token };
    } catch (error) {
      // The commit may have succeeded although its answer was lost; no executor has the token, so return the process.
      for (const one of picked) this.#giveBack(one);
      throw error;
    }
  }

  /** Returns a process that its executor never received, as soon as PostgreSQL is available. */
  #giveBack({ id, hash }: Pick<Taken, 'id' | 'hash'>): void {
    const work = this.#untilAnswered(async () => {
      await this.#bringInLine(
        await this.#store.change(null, id, (row) => transitions.handBack(row, hash, this.#clock)),
      );
    }).finally(() => this.#work.delete(work));
    this.#work.add(work);
  }

  /** Retries until PostgreSQL answers. Never rejects. */
  async #untilAnswered(work: () => Promise<void>): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      try {
        await work();
        return;
      } catch (error) {
        if (!isUnavailable(error) || signal.aborted) return;
        await pause(GIVE_BACK_MS, signal);
      }
    }
  }
}

/** A process that was assigned, before its executor has received it. */
interface Taken {
  readonly id: string;
  /** Hash of the assignment token. */
  readonly hash: string;
  readonly token: string;
  readonly row: ProcessRow;
}

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** PostgreSQL rejects text that is not a UUID; report it as an unknown process. */
function checkId(id: string): void {
  if (!ID.test(id)) throw notFound(id);
}

function lineOf(projectId: string, executorType: string): string {
  return `${projectId} ${executorType}`;
}
