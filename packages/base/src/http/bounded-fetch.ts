import { type AbortScope, deadline, firstAbort } from '../abort.js';

/** Options of {@link boundedFetch} besides those of `fetch`. */
export interface BoundedRequest extends Omit<RequestInit, 'signal'> {
  /** Maximum time until the body was read completely, milliseconds. Default unlimited. */
  readonly timeoutMs?: number | undefined;
  /** Aborts the request, and the reading of its answer. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * `fetch` whose signal and time limit apply until the body was read. The `fetch` of Node 20 and 22 holds the signal
 * only through the request object, which may be garbage-collected after the head of the answer has arrived; a server
 * that stalls within the body then blocks its client forever. Here the reader of the body is cancelled.
 *
 * The body of the answer must be read or cancelled; until then, or until the time limit, the signal keeps it in memory.
 *
 * @throws the reason of the signal, or a `TimeoutError`; otherwise as `fetch` does. Reading the body throws the same.
 */
export async function boundedFetch(
  url: string | URL,
  { timeoutMs, signal, ...init }: BoundedRequest = {},
): Promise<Response> {
  const scope = timeoutMs === undefined ? firstAbort(signal) : deadline(timeoutMs, signal);
  try {
    scope.signal.throwIfAborted();
    const response = await unlessAborted(fetch(url, { ...init, signal: scope.signal }), scope.signal);
    if (response.body === null) {
      scope.release();
      return response;
    }
    return withBody(response, boundedBody(response.body, scope));
  } catch (error) {
    scope.release();
    throw scope.signal.aborted ? scope.signal.reason : error;
  }
}

/** The answer of a fetch, unless the signal aborts first: a late answer is discarded. */
async function unlessAborted(answer: Promise<Response>, signal: AbortSignal): Promise<Response> {
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([answer, aborted]);
  } catch (error) {
    answer
      .then(
        (late) => late.body?.cancel(),
        () => {},
      )
      .catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** A body that fails as soon as the scope's signal aborts, and releases the scope at its end. */
function boundedBody(body: ReadableStream<Uint8Array>, scope: AbortScope): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const { signal } = scope;
  let onAbort = (): void => {};
  const release = (): void => {
    signal.removeEventListener('abort', onAbort);
    scope.release();
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        onAbort = () => {
          scope.release();
          controller.error(signal.reason);
          // This closes the connection; an error only means that it was closed before.
          reader.cancel(signal.reason).catch(() => {});
        };
        signal.addEventListener('abort', onAbort, { once: true });
      },
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (signal.aborted) return;
          if (!done) return controller.enqueue(value);
          release();
          controller.close();
        } catch (error) {
          if (signal.aborted) return;
          release();
          controller.error(error);
        }
      },
      async cancel(reason) {
        release();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** The same answer with another body. */
function withBody(response: Response, body: ReadableStream<Uint8Array>): Response {
  const { status, statusText, headers, url } = response;
  const held = new Response(body, { status, statusText, headers });
  Object.defineProperty(held, 'url', { value: url });
  return held;
}
