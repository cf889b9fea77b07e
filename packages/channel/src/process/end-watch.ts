import { pause } from '@weir/base';

/** The callers that wait for the end of processes. */
export class EndWatch {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Registers a wait for the end of a process. Register before reading the process, so that no end is missed. */
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

  /** Notifies the callers that wait for the end of a process. */
  notify(id: string): void {
    for (const wake of [...(this.#waiting.get(id) ?? [])]) wake();
  }
}

/** One registered wait. */
export interface EndWait {
  /** Resolves at the end of the process, after `timeoutMs`, or when the signal aborts. */
  ended(timeoutMs: number, signal: AbortSignal): Promise<void>;
  /** Must be called in every case. */
  release(): void;
}
