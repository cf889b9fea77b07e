/**
 * Appends of one stream, one commit after the other. While one is on its way to the disk the next gathers, so many callers
 * share a commit; and as nothing of the stream is in flight when a commit is made up, each append is judged by what is
 * stored, never by what may yet fail.
 */
import { AppendDraft } from './append-draft.js';
import type { LiveStream, Surroundings } from './live-stream.js';
import type { Producer } from './producers.js';
import { StreamError } from './stream-error.js';
import type { AppendOutcome } from './stream-source.js';

/** One caller's append, checked as far as it can be without its turn. */
export interface PreparedAppend {
  /** Of the stream that is meant. */
  readonly generation: number;
  /** Empty for a mere close. */
  readonly payload: Uint8Array;
  readonly messages: number;
  readonly producer: Producer | null;
  readonly seq: string | null;
  readonly close: boolean;
}

interface Waiting {
  readonly append: PreparedAppend;
  readonly bytes: number;
  readonly resolve: (outcome: AppendOutcome) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_COMMIT_BYTES = 16 * 1024 * 1024;
/** About what an append takes beside its payload. */
const OVERHEAD = 256;

/** See the head of this file. */
export class AppendQueue {
  readonly #live: LiveStream;
  readonly #around: Surroundings;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isScheduled = false;

  constructor(live: LiveStream, around: Surroundings) {
    this.#live = live;
    this.#around = around;
  }

  /**
   * Resolves when durable.
   * @throws StreamError also at once: `at_capacity`
   */
  append(append: PreparedAppend): Promise<AppendOutcome> {
    const bytes = append.payload.byteLength + OVERHEAD;
    const limit = this.#around.limits.waitingBytes;
    if (this.#waiting.length > 0 && this.#waitingBytes + bytes > limit) {
      throw new StreamError('at_capacity', 'too much waits to be stored', { limit });
    }
    return new Promise((resolve, reject) => {
      this.#waitingBytes += bytes;
      this.#waiting.push({ append, bytes, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    void this.#live.turns.run(async () => {
      const requests = this.#take();
      this.#isScheduled = false;
      this.#schedule();
      await this.#commit(requests);
    });
  }

  #take(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const request of this.#waiting) {
      // A close that waits with content would be refused with it when the log is full.
      const isClose = request.append.close && request.append.payload.byteLength === 0;
      if (count > 0 && (isClose || bytes + request.bytes > MAX_COMMIT_BYTES)) break;
      bytes += request.bytes;
      count += 1;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  async #commit(requests: readonly Waiting[]): Promise<void> {
    const answers: (() => void)[] = [];
    try {
      const draft = await AppendDraft.of(this.#live, this.#around);
      for (const request of requests) {
        try {
          const outcome = draft.admit(request.append);
          answers.push(() => request.resolve(outcome));
        } catch (error) {
          answers.push(() => request.reject(error));
        }
      }
      await draft.store();
    } catch (error) {
      // Refusals too rest on what was to be stored: nobody is told of a close, or an epoch, that never was.
      for (const request of requests) request.reject(error);
      return;
    }
    for (const answer of answers) answer();
  }
}
