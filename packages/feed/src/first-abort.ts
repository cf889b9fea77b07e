import { setMaxListeners } from 'node:events';

/** A signal that aborts with the first of several, until it is released. */
export interface FirstAbort {
  readonly signal: AbortSignal;
  /** Lets go of the others; call it in every case. */
  readonly release: () => void;
}

/**
 * Makes one signal of several. `AbortSignal.any` would do, but in Node 20 each use of it leaves something behind at a
 * signal that lives on, as that of a server or a connection.
 */
export function firstAbort(...signals: readonly AbortSignal[]): FirstAbort {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const release = (): void => {
    for (const signal of signals) signal.removeEventListener('abort', abort);
  };
  // Many wait for one signal, and that is no leak.
  setMaxListeners(0, ...signals);
  for (const signal of signals) {
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  }
  return { signal: controller.signal, release };
}
