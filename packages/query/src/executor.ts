import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { deadline } from '@weir/base';
import type { ClickHouse, ParameterValue, QueryUse, Reader, ReaderAnswer } from '@weir/clickhouse';
import { Capacity, type CapacityUse } from './capacity.js';
import { engineFailure, timedOut } from './engine-failure.js';
import type { EngineMeter } from './engine-meter.js';
import type { QueryLimits } from './limits.js';
import { MeteredStatement } from './metered-statement.js';
import { QueryError } from './query-error.js';

/** A statement that has passed the gate, or one of Weir's own. */
export interface Statement {
  readonly sql: string;
  readonly params: Readonly<Record<string, ParameterValue>>;
  /** ClickHouse's name of the output format. */
  readonly format: string;
  /** Whether it does not use the person, so that it can run on the views without one. */
  readonly plain: boolean;
  /** Whether it cannot fail on any time of an event, so that its conditions on time may use the index. */
  readonly keyed: boolean;
  /** Further texts of the caller, which errors may repeat. */
  readonly own: readonly string[];
}

/** A statement after the first block of its answer. */
export interface Execution {
  /** Its use, after its bytes were read; undefined if the engine did not report it. */
  used(): QueryUse | undefined;
  /** Iterate once; leaving early stops the query. Throws QueryError. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Maximum wait for the engine to stop a query; until then its place stays taken. */
const STOP_LIMIT_MS = 10 * 60_000;
/** How long an answer that was cut off waits for the stop. */
const SOON_MS = 500;
/** Threads of the engine for one query. */
const THREADS = 4;
/** More rows than any project has: a query that needs more would reach its time limit anyway. */
const ROWS_TO_READ = 100_000_000_000;

/** Runs statements as a project's reader: within limits, and stopped when the client disconnects. */
export class Executor {
  readonly #reader: Reader;
  readonly #stopper: ClickHouse;
  readonly #limits: QueryLimits;
  readonly #capacity: Capacity;

  /** @param stopper stops queries, on separate connections because each stop may take long */
  constructor(reader: Reader, stopper: ClickHouse, limits: QueryLimits) {
    this.#reader = reader;
    this.#stopper = stopper;
    this.#limits = limits;
    this.#capacity = new Capacity({
      perProject: limits.concurrency,
      total: limits.engineQueries,
      queue: limits.queue,
      waitMs: limits.queueWaitMs,
    });
  }

  /** The running and waiting queries. */
  get use(): CapacityUse {
    return this.#capacity.use;
  }

  /**
   * Takes a place of the project, after a wait if necessary, and starts the time limit; `work` checks the query with
   * the gate and runs it. The place is released when the answer was read, or its query stopped.
   */
  async during<T>(
    projectId: string,
    caller: AbortSignal | undefined,
    work: (turn: Turn) => Promise<T>,
  ): Promise<T> {
    const release = await this.#capacity.take(projectId, caller);
    const turn = new Turn(projectId, release, this.#limits.executionMs, caller);
    try {
      return await work(turn);
    } catch (error) {
      turn.end();
      throw turn.failure() ?? error;
    }
  }

  /** Runs a statement in a turn; resolves when its first block has succeeded. Throws QueryError. */
  async run(turn: Turn, statement: Statement, meter?: EngineMeter): Promise<Execution> {
    const gone = turn.failure();
    if (gone !== undefined) throw gone;
    const { sql, params, format, plain, keyed, own } = statement;
    const { memoryBytes, executionMs, resultBytes } = this.#limits;
    const tag = randomBytes(8).toString('hex');
    const metered = new MeteredStatement(meter);
    const stop = (): Promise<void> => this.#stop(this.#reader.tagOf(turn.projectId, tag), metered);
    turn.stopWith(stop);
    const failure = (error: unknown): unknown => turn.failure() ?? engineFailure(error, [sql, ...own]);
    const limits = {
      memoryBytes,
      seconds: executionMs / 1000,
      resultBytes,
      threads: THREADS,
      rowsToRead: ROWS_TO_READ,
    };
    try {
      const answer = await this.#reader.query(turn.projectId, sql, {
        params,
        format,
        plain,
        keyed,
        limits,
        tag,
        signal: turn.signal,
      });
      return {
        used: () => answer.used() ?? metered.use,
        bytes: read(answer, resultBytes, failure, turn, metered),
      };
    } catch (error) {
      // The error did not carry the use, so ask for it. A turn that was left early asks by itself.
      if (metered.isOpen && !turn.signal.aborted) void stop();
      throw failure(error);
    }
  }

  /** Stops the engine's queries with a tag, and reports their use. Never rejects. */
  async #stop(tag: string, metered: MeteredStatement): Promise<void> {
    metered.stopped();
    const limit = deadline(STOP_LIMIT_MS);
    // If the engine cannot be asked, it has ended, and its queries with it.
    const use = await this.#stopper.kill(tag, { signal: limit.signal }).catch(() => undefined);
    limit.release();
    metered.end('stopped', use);
  }
}

async function* read(
  answer: ReaderAnswer,
  maxBytes: number,
  failure: (error: unknown) => unknown,
  turn: Turn,
  metered: MeteredStatement,
): AsyncGenerator<Uint8Array, void, undefined> {
  let end: 'whole' | 'failed' | 'left' = 'left';
  let length = 0;
  try {
    for await (const part of answer) {
      length += part.length;
      // The engine limits columns in memory; as text they may be many times larger.
      if (length > maxBytes) {
        throw new QueryError('query_too_large', 'the answer is too long', { limit: maxBytes });
      }
      yield part;
    }
    end = 'whole';
  } catch (error) {
    end = 'failed';
    throw failure(error);
  } finally {
    if (end === 'whole') {
      metered.end('whole', answer.used());
      turn.end();
    } else {
      if (end === 'left' && turn.failure() === undefined) metered.enough();
      // If the engine stops soon, a client that sends queries one after another finds the place free.
      await Promise.race([turn.leave(), delay(SOON_MS, undefined, { ref: false })]);
    }
  }
}

/** The time and the place of one query. */
export class Turn {
  readonly projectId: string;
  readonly #controller = new AbortController();
  readonly #release: () => void;
  readonly #timer: NodeJS.Timeout;
  readonly #caller: AbortSignal | undefined;
  readonly #onLeave = (): void => void this.leave();
  #stop: (() => Promise<void>) | undefined;
  #isLate = false;
  #hasEnded = false;

  constructor(projectId: string, release: () => void, limitMs: number, caller: AbortSignal | undefined) {
    this.projectId = projectId;
    this.#release = release;
    this.#caller = caller;
    this.#timer = setTimeout(() => {
      this.#isLate = true;
      void this.leave();
    }, limitMs);
    caller?.addEventListener('abort', this.#onLeave, { once: true });
    if (caller?.aborted === true) void this.leave();
  }

  /** Aborts when the client has disconnected, or the time ran out. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why it was aborted; undefined if it was not. */
  failure(): QueryError | undefined {
    if (this.#isLate) return timedOut();
    return this.#controller.signal.aborted
      ? new QueryError('client_gone', 'the client disconnected')
      : undefined;
  }

  /** Sets how to stop the engine's query of this turn; `stop` never rejects. */
  stopWith(stop: () => Promise<void>): void {
    this.#stop = stop;
  }

  /** Ends the turn early; resolves when the engine has stopped and the place is released. */
  async leave(): Promise<void> {
    if (this.#hasEnded) return;
    this.#controller.abort();
    this.#finish();
    await this.#stop?.();
    this.#release();
  }

  /** Releases the place. */
  end(): void {
    if (this.#hasEnded) return;
    this.#finish();
    this.#release();
  }

  #finish(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#onLeave);
  }
}
