import { setImmediate as nextTurn } from 'node:timers/promises';
import { pause } from '@weir/base';

/** One statement, from the start of its request until the engine has finished it. */
export interface RunningStatement {
  readonly tag: string;
  /**
   * Whether it should finish by itself when the engine stops, because its outcome matters even after its answer is
   * lost.
   */
  readonly finishes: boolean;
  /** Stops it in any phase: reading its body, waiting, running. Called repeatedly until it has ended. */
  stop(): void;
}

/**
 * The running statements, as the HTTP front knows them. The engine's process list lacks those that still read their
 * body or wait for a thread; a caller that checks whether an insert can still happen must see those too.
 */
export class RunningStatements {
  readonly #running = new Set<RunningStatement>();

  /** Runs `work` as a registered statement. */
  async track(statement: RunningStatement, work: () => Promise<void>): Promise<void> {
    this.#running.add(statement);
    try {
      await work();
    } finally {
      this.#running.delete(statement);
    }
  }

  /** Counts statements whose tag starts with `prefix`. */
  async count(prefix: string): Promise<number> {
    await arrived();
    return this.#matching(prefix).length;
  }

  /** Stops statements whose tag starts with `prefix`, and waits for all to end; returns early when `signal` aborts. */
  async kill(prefix: string, signal?: AbortSignal): Promise<void> {
    await arrived();
    await this.#stop(() => this.#matching(prefix), signal);
  }

  /** Stops one statement; resolves when it has ended. */
  async end(statement: RunningStatement): Promise<void> {
    await this.#stop(() => (this.#running.has(statement) ? [statement] : []));
  }

  /** Waits for all to end: `patienceMs` for those that finish, then the same time again for those that were stopped. */
  async drain(patienceMs: number): Promise<void> {
    const until = Date.now() + patienceMs;
    while (this.#running.size > 0) {
      if (Date.now() >= until + patienceMs) return;
      const patient = Date.now() < until;
      for (const statement of this.#running) if (!(patient && statement.finishes)) statement.stop();
      await pause(10);
    }
  }

  // Stopping is repeated, because the engine does not know a statement yet that waits for a thread. One uninterruptible
  // function call may hold a statement for minutes, so the pause grows.
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

// A request sent before this one may still be unread in its connection: two turns of the event loop read it.
async function arrived(): Promise<void> {
  await nextTurn();
  await nextTurn();
}
