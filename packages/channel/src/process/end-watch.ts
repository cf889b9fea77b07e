import { pause } from '@weir/base';

/** Those who wait for the end of processes. */
export class EndWatch {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Begins to wait for the end of a process: nothing that happens from now on is missed. */
  watch(id: string): EndWait {
    const all = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, all);
    const wake = new AbortController();
    const tell = (): void => wake.abort();
    all.add(tell);
    return {
      ended: async (timeoutMs, signal) => {
        const leave = (): void => wake.abort();
        signal.addEventListener('abort', leave);
        if (signal.aborted) leave();
        await pause(timeoutMs, wake.signal);
        signal.removeEventListener('abort', leave);
      },
      release: () => {
        all.delete(tell);
        if (all.size === 0 && this.#waiting.get(id) === all) this.#waiting.delete(id);
      },
    };
  }

  /** A process has ended. */
  tell(id: string): void {
    for (const wake of [...(this.#waiting.get(id) ?? [])]) wake();
  }
}

/** One wait. */
export interface EndWait {
  /** Resolves at the end of the process, after so many milliseconds, or when the signal aborts. */
  ended(timeoutMs: number, signal: AbortSignal): Promise<void>;
  /** To be called in every case. */
  release(): void;
}
