/**
 * The processes of all projects: PostgreSQL has the truth about each, and the router of their channels is brought in line
 * with it after every change, and again before it is used where that failed or a crash came in between.
 *
 * - No process is given to two executors, and none to somebody who has left.
 * - Whoever has lost a process can do nothing more with it, nor on its channels.
 * - Channels go on while PostgreSQL is away, of processes that are in use.
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

/** What {@link Processes} works with. */
export interface ProcessesOptions {
  readonly postgres: Postgres;
  /** Of the channels; closed by whoever made it, after this. */
  readonly router: Router;
  /** How long channels can be read after the end, milliseconds. */
  readonly retentionMs: number;
  readonly logger: Logger;
  /** What a process of a project may do: asked when it is submitted, and kept with it. Default `DEFAULT_PROCESS_LIMITS`. */
  readonly limitsOf?: (projectId: string) => ProcessLimits;
  /** Epoch milliseconds; default `Date.now`. */
  readonly now?: () => number;
}

const DEFAULT_LIST = 100;
const GIVE_BACK_MS = 1_000;

/** See the head of this file. */
export class Processes {
  readonly router: Router;
  /** What happened, for whoever tells of it. */
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
  /** Begins to do what falls due. */
  start(): void {
    this.#sweeper.start();
  }

  /** Lets executors that wait go, and finishes what is being done. */
  async close(): Promise<void> {
    this.#stopping.abort();
    for (const line of this.#lines.values()) line.end();
    await this.#sweeper.close();
    await Promise.allSettled(this.#work);
    this.#alignment.close();
  }

  /**
   * Keeps a process for an executor to take; finds the one there is for an `idempotencyKey` that was given with the same.
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
   * The next process for an executor: by priority, then age. Null when there was none for so long, or the signal aborts.
   * @param o.waitMs at most 30,000 is sensible; no connection is held meanwhile
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
   * Its executor lives, and has `maxExecMs` from now on.
   * @throws ProcessError `process_not_found`, `forbidden`, `stale_attempt`, `invalid_state`
   */
  heartbeat(projectId: string, id: string, who: Who): Promise<Process> {
    return this.#change(projectId, id, (row) => transitions.heartbeat(row, who, this.#clock));
  }

  /**
   * Its executor ends it; safe to say again.
   * @throws ProcessError `process_not_found`, `forbidden`, `stale_attempt`, `invalid_state`, `body_too_large`
   */
  closeProcess(projectId: string, id: string, who: Who, closing: Closing): Promise<Process> {
    return this.#change(projectId, id, (row) => transitions.close(row, who, closing, this.#clock));
  }

  /**
   * Its submitter ends it, while it waits or runs.
   * @throws ProcessError `process_not_found`, `forbidden`, `invalid_state`
   */
  cancel(projectId: string, id: string, who: Who): Promise<Process> {
    return this.#change(projectId, id, (row) => transitions.cancel(row, who, this.#clock));
  }

  /**
   * Its submitter says who else may read its channels.
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

  /** The newest first; `next` is what to list after, null at the end. */
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
   * The process at its end; else, after so long or when the signal aborts, as it is.
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
   * Verifies who asks for channels of a process, and makes the router stand as PostgreSQL says. PostgreSQL is not asked
   * for a process that is in use.
   * @throws ProcessError `process_not_found`, `forbidden`, `stale_attempt`; ChannelError `log_lost`, `channel_gone`
   */
  async enter(projectId: string, processId: string, who: Who): Promise<Caller> {
    checkId(processId);
    const kept = await this.#standings.get(processId);
    if (kept === null || kept.standing.projectId !== projectId) throw notFound(processId);
    callerOf(kept.standing, who);
    await this.#alignment.align(kept);
    this.#checkChannels(kept);
    // It may have changed meanwhile.
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
      throw new ChannelError('log_lost', `the log that the channels of process ${id} were in has been lost`);
    if (cleanedAt !== null)
      throw new ChannelError('channel_gone', `the channels of process ${id} have been removed`);
  }

  /** After every commit, before anybody is answered. */
  #onChanged({ row, change }: Changed): void {
    this.#standings.put(standingOf(row));
    if (row.dueAt !== null) this.#sweeper.expect(row.dueAt);
    if (change === null) return;
    this.outbox.tell();
    if (row.closedAt !== null) this.#ends.tell(row.id);
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
      // It may be assigned all the same, by a token that nobody gets.
      for (const one of picked) this.#giveBack(one);
      throw error;
    }
  }

  /** Takes a process back that its executor never got, as soon as PostgreSQL answers. */
  #giveBack({ id, hash }: Pick<Taken, 'id' | 'hash'>): void {
    const work = this.#untilAnswered(async () => {
      await this.#bringInLine(
        await this.#store.change(null, id, (row) => transitions.handBack(row, hash, this.#clock)),
      );
    }).finally(() => this.#work.delete(work));
    this.#work.add(work);
  }

  /** Never rejects. */
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

/** A process that was taken for an executor. */
interface Taken {
  readonly id: string;
  /** Of the token. */
  readonly hash: string;
  readonly token: string;
  readonly row: ProcessRow;
}

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What cannot be an id is one of no process. */
function checkId(id: string): void {
  if (!ID.test(id)) throw notFound(id);
}

function lineOf(projectId: string, executorType: string): string {
  return `${projectId} ${executorType}`;
}
