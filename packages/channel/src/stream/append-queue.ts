import { CommitQueue } from '../commit/commit-queue.js';
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

/** About what an append takes beside its payload. */
const OVERHEAD = 256;

/** Appends of one stream. */
export class AppendQueue {
  readonly #commits: CommitQueue<PreparedAppend, AppendOutcome>;

  constructor(live: LiveStream, around: Surroundings) {
    this.#commits = new CommitQueue<PreparedAppend, AppendOutcome>({
      turns: live.turns,
      maxWaitingBytes: around.limits.waitingBytes,
      full: (limit) => new StreamError('at_capacity', 'too much waits to be stored', { limit }),
      draft: () => AppendDraft.of(live, around),
      // A close that waits with content would be refused with it when the log is full.
      isApart: ({ close, payload }) => close && payload.byteLength === 0,
    });
  }

  /**
   * Resolves when durable.
   * @throws StreamError also at once: `at_capacity`
   */
  append(append: PreparedAppend): Promise<AppendOutcome> {
    return this.#commits.add(append, append.payload.byteLength + OVERHEAD);
  }
}
