import { QueryError } from './query-error.js';

/** Limits of a {@link Capacity}. */
export interface CapacityLimits {
  /** Concurrent queries of one project. */
  readonly perProject: number;
  /** Concurrent queries of all projects: what the engine can execute. */
  readonly total: number;
  /** Queries of one project that may wait; 0 rejects at once. */
  readonly queue: number;
  /** Maximum wait, milliseconds. */
  readonly waitMs: number;
}

/** The running and waiting queries. */
export interface CapacityUse {
  readonly running: number;
  readonly waiting: number;
}

/** Maximum waiting queries of all projects, as a multiple of one project's queue: each holds its request in memory. */
const QUEUES = 32;

interface Waiter {
  /** Called with the release function of its place. */
  readonly enter: (release: () => void) => void;
}

/**
 * Divides the engine among projects. A project runs a limited number of queries at a time, never all that the engine
 * can execute, and a few more wait briefly. A free place goes to the waiting project with the fewest running queries;
 * among equals, to the one whose last turn is oldest. So a project with many queries cannot delay the first query of
 * another.
 */
export class Capacity {
  readonly #limits: CapacityLimits;
  readonly #running = new Map<string, number>();
  /** Projects in order of their last turn, each with its waiters in order of arrival. The sets are never empty. */
  readonly #queues = new Map<string, Set<Waiter>>();
  #runningTotal = 0;
  #waitingTotal = 0;

  constructor(limits: CapacityLimits) {
    const perProject = Math.min(limits.perProject, Math.max(1, limits.total - 1));
    this.#limits = { ...limits, perProject };
  }

  get use(): CapacityUse {
    return { running: this.#runningTotal, waiting: this.#waitingTotal };
  }

  /**
   * Takes a place of the project, after a wait if necessary; the returned function releases the place and is
   * idempotent.
   *
   * @param caller leaves the queue when it aborts
   * @throws QueryError `at_capacity` if the queue is full or the wait too long, `client_gone` if the caller has aborted
   */
  async take(projectId: string, caller?: AbortSignal): Promise<() => void> {
    if (caller?.aborted === true) throw gone();
    if (this.#hasPlace(projectId)) return this.#enter(projectId);
    const { queue, waitMs } = this.#limits;
    const waiting = this.#queues.get(projectId)?.size ?? 0;
    if (waiting >= queue || this.#waitingTotal >= QUEUES * queue) throw this.#refusal(projectId, waiting);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        enter: (release) => {
          settle();
          resolve(release);
        },
      };
      const leave = (error: QueryError): void => {
        this.#remove(projectId, waiter);
        settle();
        reject(error);
      };
      const onAbort = (): void => leave(gone());
      const timer = setTimeout(() => leave(this.#refusal(projectId, waiting)), waitMs);
      const settle = (): void => {
        clearTimeout(timer);
        caller?.removeEventListener('abort', onAbort);
      };
      caller?.addEventListener('abort', onAbort);
      this.#add(projectId, waiter);
    });
  }

  #hasPlace(projectId: string): boolean {
    const { total, perProject } = this.#limits;
    return this.#runningTotal < total && (this.#running.get(projectId) ?? 0) < perProject;
  }

  #enter(projectId: string): () => void {
    this.#running.set(projectId, (this.#running.get(projectId) ?? 0) + 1);
    this.#runningTotal += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = (this.#running.get(projectId) ?? 1) - 1;
      if (left === 0) this.#running.delete(projectId);
      else this.#running.set(projectId, left);
      this.#runningTotal -= 1;
      this.#admitNext();
    };
  }

  #admitNext(): void {
    let next: string | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (const projectId of this.#queues.keys()) {
      const running = this.#running.get(projectId) ?? 0;
      if (running >= fewest || !this.#hasPlace(projectId)) continue;
      next = projectId;
      fewest = running;
    }
    if (next === undefined) return;
    const queue = this.#queues.get(next);
    const [waiter] = queue ?? [];
    if (queue === undefined || waiter === undefined) return;
    this.#remove(next, waiter);
    if (queue.size > 0) {
      this.#queues.delete(next);
      this.#queues.set(next, queue);
    }
    waiter.enter(this.#enter(next));
  }

  #add(projectId: string, waiter: Waiter): void {
    const queue = this.#queues.get(projectId);
    if (queue === undefined) this.#queues.set(projectId, new Set([waiter]));
    else queue.add(waiter);
    this.#waitingTotal += 1;
  }

  #remove(projectId: string, waiter: Waiter): void {
    const queue = this.#queues.get(projectId);
    if (queue?.delete(waiter) !== true) return;
    if (queue.size === 0) this.#queues.delete(projectId);
    this.#waitingTotal -= 1;
  }

  #refusal(projectId: string, waiting: number): QueryError {
    const { perProject } = this.#limits;
    const running = this.#running.get(projectId) ?? 0;
    const detail =
      running >= perProject
        ? `the project runs ${running} queries already, and ${waiting} wait before this one`
        : 'all places of the engine are taken';
    return new QueryError('at_capacity', detail, {
      limit: perProject,
    });
  }
}

function gone(): QueryError {
  return new QueryError('client_gone', 'the client disconnected');
}
