import { QueryError } from './query-error.js';

/** Bounds of {@link Capacity}. */
export interface CapacityLimits {
  /** Questions of one project that run at a time. */
  readonly perProject: number;
  /** Questions of all projects that run at a time: what the engine can take. */
  readonly total: number;
  /** Questions of one project that wait for a place; 0 refuses at once. */
  readonly queue: number;
  /** Longest wait for a place, milliseconds. */
  readonly waitMs: number;
}

/** How much runs and waits now. */
export interface CapacityUse {
  readonly running: number;
  readonly waiting: number;
}

/** Questions of all projects that wait, in shares of one project: each holds its request in memory. */
const QUEUES = 32;

interface Waiter {
  /** Called with the release function of its place. */
  readonly enter: (release: () => void) => void;
}

/**
 * Divides the engine among projects. A project runs so many questions at a time, never as many as the engine can take,
 * and a few more wait for a short time. A free place goes to the waiting project that runs the fewest, among equals to
 * the one that has waited longest for a turn, so that a project with many questions cannot delay another's first.
 */
export class Capacity {
  readonly #limits: CapacityLimits;
  readonly #running = new Map<string, number>();
  /** Projects in the order of their last turn, and of each the waiters in order of arrival. Never an empty set. */
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
   * Takes a place of the project's, after a wait where there is none; the function it resolves with gives the place back,
   * once however often it is called.
   *
   * @param caller leaves the queue when it aborts
   * @throws QueryError `at_capacity` if the queue is full or the wait too long, `client_gone` if the caller has left
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
  return new QueryError('client_gone', 'the client left');
}
