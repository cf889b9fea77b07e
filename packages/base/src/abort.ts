/**
 * Abort signals that are safe to combine. `AbortSignal.any` and `AbortSignal.timeout` have two faults in Node 20 and 22:
 * the garbage collector can remove a timeout before it fires (nodejs/node#57736), and each use of `any` leaves an entry
 * at a signal that lives on, such as that of a server. Here a timer holds its controller, and `release` removes all.
 */

/** A signal that depends on other signals or a timer, until it is released. */
export interface AbortScope {
  readonly signal: AbortSignal;
  /** Removes the listeners and the timer. Call it in every case, for example in `finally`. */
  readonly release: () => void;
}

/**
 * Returns a signal that aborts with the first of several, with that signal's reason.
 *
 * ```ts
 * const scope = firstAbort(request.signal, server.ending); try { await work(scope.signal); } finally { scope.release();
 * }
 * ```
 */
export function firstAbort(...signals: readonly (AbortSignal | undefined)[]): AbortScope {
  const controller = new AbortController();
  const release = (): void => {
    for (const signal of signals) if (signal !== undefined) dependentsOf.get(signal)?.delete(abort);
  };
  const abort = (reason: unknown): void => {
    release();
    controller.abort(reason);
  };
  for (const signal of signals) {
    if (signal === undefined) continue;
    if (signal.aborted) {
      abort(signal.reason);
      break;
    }
    dependents(signal).add(abort);
  }
  return { signal: controller.signal, release };
}

type Abort = (reason: unknown) => void;

/**
 * The dependents of each signal. A signal gets a single listener for all of them: an `EventTarget` searches its
 * listeners one by one to remove one, and Node warns of a leak from the eleventh.
 */
const dependentsOf = new WeakMap<AbortSignal, Set<Abort>>();

function dependents(signal: AbortSignal): Set<Abort> {
  const known = dependentsOf.get(signal);
  if (known !== undefined) return known;
  const added = new Set<Abort>();
  dependentsOf.set(signal, added);
  signal.addEventListener(
    'abort',
    () => {
      for (const abort of added) abort(signal.reason);
    },
    { once: true },
  );
  return added;
}

/**
 * Returns a signal that aborts after `ms` milliseconds with a `TimeoutError`, or with the first of `signals`. The timer
 * does not keep the process alive.
 */
export function deadline(ms: number, ...signals: readonly (AbortSignal | undefined)[]): AbortScope {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new DOMException(`timed out after ${ms} ms`, 'TimeoutError'));
  }, ms);
  // Browsers have no `unref`.
  if (typeof timer === 'object') timer.unref();
  const first = firstAbort(controller.signal, ...signals);
  return {
    signal: first.signal,
    release: () => {
      clearTimeout(timer);
      first.release();
    },
  };
}
