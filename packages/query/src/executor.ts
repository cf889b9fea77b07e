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

/** One statement that has passed the gate, or is our own. */
export interface Statement {
  readonly sql: string;
  readonly params: Readonly<Record<string, ParameterValue>>;
  /** ClickHouse's name of the output format. */
  readonly format: string;
  /** Whether it asks nothing of who did it, and may be asked where events have no person. */
  readonly plain: boolean;
  /** Whether it cannot fail on any time of an event, and its conditions on time may use the index. */
  readonly keyed: boolean;
  /** What else the caller sent: errors may repeat it. */
  readonly own: readonly string[];
}

/** A statement whose answer has begun. */
export interface Execution {
  /** What it has used, once its bytes were read; undefined where the engine did not say. */
  used(): QueryUse | undefined;
  /** To be read once; leaving early stops the query. Throws QueryError. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Longest wait for the engine to let go of a query; its place in the project's share is taken so long. */
const LET_GO_MS = 10 * 60_000;
/** How long an answer that was cut off waits for that. */
const SOON_MS = 500;
/** Threads of the engine for one query. */
const THREADS = 4;
/** More rows than any project has: what asks for them would end at its time limit anyway. */
const ROWS_TO_READ = 100_000_000_000;

/** Runs statements as a project's reader: within its limits, stopped for good when nobody waits any more. */
export class Executor {
  readonly #reader: Reader;
  readonly #stopper: ClickHouse;
  readonly #limits: QueryLimits;
  readonly #capacity: Capacity;

  /** @param stopper asks the engine to end queries, on connections of its own: each may wait long */
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

  /** How many questions run and wait. */
  get use(): CapacityUse {
    return this.#capacity.use;
  }

  /**
   * Takes a place of the project's, waiting for one if need be, and starts the clock; `work` does what is needed to ask
   * (the gate) and asks. The place is given back when the answer has been read, or its query stopped.
   *
   * @throws QueryError
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
      // Its figures did not come with the failure. A turn that was left asks for them by itself.
      if (metered.isOpen && !turn.signal.aborted) void stop();
      throw failure(error);
    }
  }

  /** Makes the engine let go of what runs under a tag, and says what it has used. Never rejects. */
  async #stop(tag: string, metered: MeteredStatement): Promise<void> {
    metered.stopped();
    const limit = deadline(LET_GO_MS);
    // An engine that cannot be asked has ended, and its queries with it.
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
      // The engine counts its columns in memory; what they are as text may be many times more.
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
      // Whoever asks one question after the other should find the place free, where the engine lets go soon.
      await Promise.race([turn.leave(), delay(SOON_MS, undefined, { ref: false })]);
    }
  }
}

/** The time and the place of one question. */
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

  /** Aborts when nobody waits any more, or time is up. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why it was aborted, where it was. */
  failure(): QueryError | undefined {
    if (this.#isLate) return timedOut();
    return this.#controller.signal.aborted ? new QueryError('client_gone', 'the client left') : undefined;
  }

  /** Says how the engine is made to let go of what runs in this turn; `stop` never rejects. */
  stopWith(stop: () => Promise<void>): void {
    this.#stop = stop;
  }

  /** Ends it before its end; resolves when the engine has let go and the place is given back. */
  async leave(): Promise<void> {
    if (this.#hasEnded) return;
    this.#controller.abort();
    this.#finish();
    await this.#stop?.();
    this.#release();
  }

  /** Gives the place back. */
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
