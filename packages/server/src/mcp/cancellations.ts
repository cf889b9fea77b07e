/**
 * Cancels calls of clients up to revision 2025-11-25. They cancel with a notification in a separate request, which a
 * stateless endpoint cannot assign to the call. So the answer to `initialize` has a session id that only identifies the
 * client: it has no state, and is valid on every node and after every restart. Later revisions cancel by closing the
 * connection.
 */

/** The identity of a call. Request ids are chosen by the client, so the client is part of it. */
export interface CallName {
  readonly tokenId: string;
  readonly sessionId: string;
  readonly requestId: string | number;
}

/** The calls in progress. */
export class Cancellations {
  readonly #running = new Map<string, AbortController>();

  /** Runs a call with a signal that aborts when its client cancels the call. */
  async during<T>(call: CallName, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const key = keyOf(call);
    const controller = new AbortController();
    this.#running.set(key, controller);
    try {
      return await run(controller.signal);
    } finally {
      if (this.#running.get(key) === controller) this.#running.delete(key);
    }
  }

  /** Cancels a call; no effect if the call has ended or belongs to another client. */
  cancel(call: CallName): void {
    this.#running.get(keyOf(call))?.abort();
  }
}

function keyOf({ tokenId, sessionId, requestId }: CallName): string {
  return JSON.stringify([tokenId, sessionId, requestId]);
}
