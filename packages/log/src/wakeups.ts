/** Further conditions that end a wait. */
export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Lets readers wait until their stream changes. */
export class Wakeups {
  readonly #sleepers = new Map<string, Set<() => void>>();

  /** Resolves when the key is woken, the time has passed or the signal aborts; the caller checks which. */
  wait(key: string, o: WaitOptions): Promise<void> {
    return new Promise((resolve) => {
      if (o.signal?.aborted) {
        resolve();
        return;
      }
      const sleepers = this.#sleepers.get(key) ?? new Set();
      this.#sleepers.set(key, sleepers);
      let timer: NodeJS.Timeout | undefined;
      const wake = () => {
        clearTimeout(timer);
        o.signal?.removeEventListener('abort', wake);
        sleepers.delete(wake);
        if (sleepers.size === 0 && this.#sleepers.get(key) === sleepers) this.#sleepers.delete(key);
        resolve();
      };
      sleepers.add(wake);
      o.signal?.addEventListener('abort', wake);
      const ms = o.timeoutMs ?? Infinity;
      if (ms < Infinity) timer = setTimeout(wake, Math.min(ms, MAX_TIMEOUT_MS));
    });
  }

  wake(key: string): void {
    const sleepers = this.#sleepers.get(key);
    if (sleepers !== undefined) for (const wake of [...sleepers]) wake();
  }

  wakeAll(): void {
    for (const key of [...this.#sleepers.keys()]) this.wake(key);
  }
}
