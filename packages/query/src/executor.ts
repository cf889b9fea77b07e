import { randomBytes } from 'node:crypto';
import type { ClickHouse, ParameterValue, QueryUse, Reader } from '@weir/clickhouse';
import { Capacity } from './capacity.js';
import { engineFailure, timedOut } from './engine-failure.js';
import type { QueryLimits } from './limits.js';
import { QueryError } from './query-error.js';

/** One statement that has passed the gate, or is our own. */
export interface Statement {
  readonly projectId: string;
  readonly sql: string;
  readonly params: Readonly<Record<string, ParameterValue>>;
  /** ClickHouse's name of the output format. */
  readonly format: string;
  /** Whether it asks nothing of who did it, and may be asked where events have no person. */
  readonly plain: boolean;
  /** What else the caller sent: errors may repeat it. */
  readonly own: readonly string[];
}

/** A statement whose answer has begun. */
export interface Execution {
  readonly used: QueryUse;
  /** To be read once; leaving early stops the query. Throws QueryError. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Runs statements as a project's reader: within its limits, stopped for good when nobody waits any more. */
export class Executor {
  readonly #reader: Reader;
  readonly #clickhouse: ClickHouse;
  readonly #limits: QueryLimits;
  readonly #capacity: Capacity;

  constructor(reader: Reader, clickhouse: ClickHouse, limits: QueryLimits) {
    this.#reader = reader;
    this.#clickhouse = clickhouse;
    this.#limits = limits;
    this.#capacity = new Capacity(limits.concurrency);
  }

  /** Runs a statement; resolves when its first block has succeeded. Throws QueryError. */
  async run(statement: Statement, signal?: AbortSignal): Promise<Execution> {
    const run = new Run(this.#capacity.take(statement.projectId), this.#limits.executionMs, signal);
    const tag = randomBytes(8).toString('hex');
    const { memoryBytes, executionMs, resultBytes } = this.#limits;
    const failure = (error: unknown): unknown =>
      run.failure() ?? engineFailure(error, [statement.sql, ...statement.own]);
    let hasEnded = false;
    const end = (isWhole: boolean): void => {
      if (hasEnded) return;
      hasEnded = true;
      if (isWhole) run.end();
      else void this.#stop(statement.projectId, tag).finally(() => run.end());
    };
    // Also where nobody reads the answer to its end, or at all.
    run.signal.addEventListener('abort', () => end(false), { once: true });
    try {
      const answer = await this.#reader.query(statement.projectId, statement.sql, {
        params: statement.params,
        format: statement.format,
        plain: statement.plain,
        limits: { memoryBytes, seconds: executionMs / 1000, resultBytes },
        tag,
        signal: run.signal,
      });
      return { used: answer.used, bytes: read(answer, failure, end) };
    } catch (error) {
      end(!run.signal.aborted);
      throw failure(error);
    }
  }

  /** Waits until the engine has let go of a query: one function call may hold it past every limit. */
  async #stop(projectId: string, tag: string): Promise<void> {
    await this.#clickhouse.kill(this.#reader.tagOf(projectId, tag)).catch(() => {});
  }
}

async function* read(
  bytes: AsyncIterable<Uint8Array>,
  failure: (error: unknown) => unknown,
  end: (isWhole: boolean) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isWhole = false;
  try {
    yield* bytes;
    isWhole = true;
  } catch (error) {
    throw failure(error);
  } finally {
    end(isWhole);
  }
}

/** The time and the place of one statement. */
class Run {
  readonly #controller = new AbortController();
  readonly #release: () => void;
  readonly #timer: NodeJS.Timeout;
  readonly #caller: AbortSignal | undefined;
  readonly #onLeave = (): void => this.#controller.abort();
  #isLate = false;

  constructor(release: () => void, limitMs: number, caller: AbortSignal | undefined) {
    this.#release = release;
    this.#caller = caller;
    this.#timer = setTimeout(() => {
      this.#isLate = true;
      this.#controller.abort();
    }, limitMs);
    if (caller?.aborted === true) this.#controller.abort();
    caller?.addEventListener('abort', this.#onLeave, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why it was aborted, where it was. */
  failure(): QueryError | undefined {
    if (this.#isLate) return timedOut();
    return this.#controller.signal.aborted ? new QueryError('client_gone', 'the client left') : undefined;
  }

  /** Gives the place back. */
  end(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#onLeave);
    this.#release();
  }
}
