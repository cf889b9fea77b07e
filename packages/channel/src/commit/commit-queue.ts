/**
 * Changes of one object of the log (a channel, a stream), one commit after the other. While a commit is on its way to the disk,
 * the next gathers, so many callers share one commit. As no change of the object is in flight when a commit is composed, each
 * request is judged by what is stored, and never by what may yet fail.
 */
import type { Turns } from './turns.js';

/** One commit while it is composed. */
interface Draft<R, A> {
  /** Adds a request, whole or not at all. @throws why it cannot be stored */
  admit(request: R): A | Promise<A>;
  /** Stores everything that was admitted; resolves when durable. */
  store(): Promise<void>;
}

/** Settings of a {@link CommitQueue}. */
export interface CommitQueueOptions<R, A> {
  /** What else changes the object takes its turn here too. */
  readonly turns: Turns;
  readonly draft: () => Promise<Draft<R, A>>;
  /** Bytes that may wait; a single request may be larger. */
  readonly maxWaitingBytes: number;
  /** The error when they do not suffice. */
  readonly full: (limit: number) => Error;
  /** Whether a request begins a commit of its own; default none does. */
  readonly isApart?: (request: R) => boolean;
  /** Called before the promise of a request resolves. */
  readonly onStored?: (request: R) => void;
  /** Called before the promise of a request rejects, and before a later request is judged. */
  readonly onRefused?: (request: R, error: unknown) => void;
}

interface Waiting<R, A> {
  readonly request: R;
  readonly bytes: number;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_COMMIT_BYTES = 16 * 1024 * 1024;

/** See the head of this file. */
export class CommitQueue<R, A> {
  readonly #options: CommitQueueOptions<R, A>;
  #waiting: Waiting<R, A>[] = [];
  #waitingBytes = 0;
  #isScheduled = false;

  constructor(options: CommitQueueOptions<R, A>) {
    this.#options = options;
  }

  /**
   * Resolves when durable.
   * @param bytes what the request takes
   * @throws the error of `full`, also at once
   */
  add(request: R, bytes: number): Promise<A> {
    const { maxWaitingBytes, full, onRefused } = this.#options;
    if (this.#waiting.length > 0 && this.#waitingBytes + bytes > maxWaitingBytes) {
      const error = full(maxWaitingBytes);
      onRefused?.(request, error);
      throw error;
    }
    return new Promise((resolve, reject) => {
      this.#waitingBytes += bytes;
      this.#waiting.push({ request, bytes, resolve, reject });
      this.#schedule();
    });
  }

  /** Resolves when no request waits. */
  async idle(): Promise<void> {
    while (this.#isScheduled) await this.#options.turns.idle();
    await this.#options.turns.idle();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    void this.#options.turns.run(async () => {
      const requests = this.#take();
      this.#isScheduled = false;
      this.#schedule();
      await this.#commit(requests);
    });
  }

  #take(): readonly Waiting<R, A>[] {
    const { isApart } = this.#options;
    let bytes = 0;
    let count = 0;
    for (const one of this.#waiting) {
      if (count > 0 && (isApart?.(one.request) === true || bytes + one.bytes > MAX_COMMIT_BYTES)) break;
      bytes += one.bytes;
      count += 1;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  async #commit(requests: readonly Waiting<R, A>[]): Promise<void> {
    const { draft: begin, onStored, onRefused } = this.#options;
    const answers: (() => void)[] = [];
    try {
      const draft = await begin();
      for (const { request, resolve, reject } of requests) {
        try {
          const answer = await draft.admit(request);
          answers.push(() => {
            onStored?.(request);
            resolve(answer);
          });
        } catch (error) {
          onRefused?.(request, error);
          answers.push(() => reject(error));
        }
      }
      await draft.store();
    } catch (error) {
      // Refusals rest on what was to be stored too: an answer would report an end, or a conflict, that never was.
      for (const { request, reject } of requests) {
        onRefused?.(request, error);
        reject(error);
      }
      return;
    }
    for (const answer of answers) answer();
  }
}
