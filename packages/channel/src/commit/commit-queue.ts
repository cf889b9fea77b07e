/**
 * Queues the changes of one object of the log (a channel, a stream) and commits one batch at a time. While one commit
 * is written, the next batch gathers, so that many callers share a commit. No change is in flight while a commit is
 * composed, so each request is checked against stored state only, never against a change that may still fail.
 */
import type { Turns } from './turns.js';

/** One commit while it is composed. */
interface Draft<R, A> {
  /** Admits a request, whole or not at all. @throws why it cannot be stored */
  admit(request: R): A | Promise<A>;
  /** Stores all admitted requests; resolves when they are durable. */
  store(): Promise<void>;
}

/** Settings of a {@link CommitQueue}. */
export interface CommitQueueOptions<R, A> {
  /** Serialises commits with all other changes of the object. */
  readonly turns: Turns;
  readonly draft: () => Promise<Draft<R, A>>;
  /** Maximum bytes of queued requests; a single request may be larger. */
  readonly maxWaitingBytes: number;
  /** Creates the error for a full queue. */
  readonly full: (limit: number) => Error;
  /** Whether a request starts a commit of its own; default false for every request. */
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
   * Resolves when the request is durable.
   * @param bytes size of the request
   * @throws the error of `full`, possibly before queueing
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
      // A refusal may rest on an admitted request of this commit, which was not stored. The refused request must fail
      // with the error of the commit, not report an end or a conflict that does not exist.
      for (const { request, reject } of requests) {
        onRefused?.(request, error);
        reject(error);
      }
      return;
    }
    for (const answer of answers) answer();
  }
}
