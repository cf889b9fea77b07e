import { setImmediate as nextTurn } from 'node:timers/promises';
import { pause } from '@weir/base';

/** One statement, from its request's first line to the engine's last word on it. */
export interface RunningStatement {
  readonly tag: string;
  /** Whether it should come to its own end when the engine stops, because its outcome matters after its answer is lost. */
  readonly finishes: boolean;
  /** Ends it wherever it is: reading its body, waiting, running. Called again until it has ended. */
  stop(): void;
}

/**
 * What runs, as the front door knows it. The engine's own process list lacks what is still reading its body or
 * waits for a thread; whoever asks whether an insert can still happen must hear of those too.
 */
export class RunningStatements {
  readonly #running = new Set<RunningStatement>();

  /** Runs `work` as a statement that can be found. */
  async track(statement: RunningStatement, work: () => Promise<void>): Promise<void> {
    this.#running.add(statement);
    try {
      await work();
    } finally {
      this.#running.delete(statement);
    }
  }

  /** How many run under tags that start with `prefix`. */
  async count(prefix: string): Promise<number> {
    await arrived();
    return this.#matching(prefix).length;
  }

  /** Stops those whose tag starts with `prefix`, and waits for all to end; gives up when `signal` aborts. */
  async kill(prefix: string, signal?: AbortSignal): Promise<void> {
    await arrived();
    await this.#stop(() => this.#matching(prefix), signal);
  }

  /** Stops one statement; resolves when it has ended. */
  async end(statement: RunningStatement): Promise<void> {
    await this.#stop(() => (this.#running.has(statement) ? [statement] : []));
  }

  /** Waits for all to end: for `patienceMs` those that finish, then for as long those that were made to. */
  async drain(patienceMs: number): Promise<void> {
    const until = Date.now() + patienceMs;
    while (this.#running.size > 0) {
      if (Date.now() >= until + patienceMs) return;
      const patient = Date.now() < until;
      for (const statement of this.#running) if (!(patient && statement.finishes)) statement.stop();
      await pause(10);
    }
  }

  // Stopping is repeated: the engine does not know a statement yet that waits for a thread, and one function call
  // that cannot be interrupted may hold it for minutes, for which the pause grows.
  async #stop(find: () => readonly RunningStatement[], signal?: AbortSignal): Promise<void> {
    let waitMs = 10;
    for (let found = find(); found.length > 0 && signal?.aborted !== true; found = find()) {
      for (const statement of found) statement.stop();
      await pause(waitMs);
      waitMs = Math.min(1_000, waitMs * 1.5);
    }
  }

  #matching(prefix: string): RunningStatement[] {
    return [...this.#running].filter((statement) => statement.tag.startsWith(prefix));
  }
}

// A request sent before this one may lie unread in its own connection: two turns of the event loop read it.
async function arrived(): Promise<void> {
  await nextTurn();
  await nextTurn();
}
