/**
 * Ends calls of clients up to revision 2025-11-25 when they say so. They cancel with a notification in a request of its
 * own, which over a stateless endpoint arrives where nothing is known of the call. So `initialize` is answered with a
 * session id that names the client and stands for nothing else: no state, valid on every node and after every restart.
 * Later revisions cancel by closing the connection and need none of this.
 */

/** A call, as its client names it. Ids are a client's own, so the client is part of the name. */
export interface CallName {
  readonly tokenId: string;
  readonly sessionId: string;
  readonly requestId: string | number;
}

/** Calls that are running. */
export class Cancellations {
  readonly #running = new Map<string, AbortController>();

  /** Runs a call with a signal that aborts when its client cancels it. */
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

  /** Cancels a call; one that has ended, or is another client's, is none. */
  cancel(call: CallName): void {
    this.#running.get(keyOf(call))?.abort();
  }
}

function keyOf({ tokenId, sessionId, requestId }: CallName): string {
  return JSON.stringify([tokenId, sessionId, requestId]);
}
