/**
 * A controller that aborts with `signal` too, until `release` is called. `AbortSignal.any` would do, but in Node 20 a
 * signal made by it may be collected while a fetch still waits for it, and then never aborts.
 */
export function abortWith(signal: AbortSignal): {
  readonly controller: AbortController;
  readonly release: () => void;
} {
  const controller = new AbortController();
  const abort = () => controller.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return { controller, release: () => signal.removeEventListener('abort', abort) };
}
