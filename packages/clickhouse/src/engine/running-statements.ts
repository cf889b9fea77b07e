import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';

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
  async track<T>(statement: RunningStatement, work: () => Promise<T>): Promise<T> {
    this.#running.add(statement);
    try {
      return await work();
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
    for (let found = this.#matching(prefix); found.length > 0; found = this.#matching(prefix)) {
      if (signal?.aborted) return;
      for (const statement of found) statement.stop();
      await delay(10);
    }
  }

  /** Waits for all to end: for `patienceMs` those that finish, then for as long those that were made to. */
  async drain(patienceMs: number): Promise<void> {
    const until = Date.now() + patienceMs;
    while (this.#running.size > 0) {
      if (Date.now() >= until + patienceMs) return;
      const patient = Date.now() < until;
      for (const statement of this.#running) if (!(patient && statement.finishes)) statement.stop();
      await delay(10);
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
