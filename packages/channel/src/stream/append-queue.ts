import { CommitQueue } from '../commit/commit-queue.js';
import { AppendDraft } from './append-draft.js';
import type { LiveStream, Surroundings } from './live-stream.js';
import type { Producer } from './producers.js';
import { StreamError } from './stream-error.js';
import type { AppendOutcome } from './stream-source.js';

/** One append, after all checks that do not need the state of the stream. */
export interface PreparedAppend {
  /** The generation of the addressed stream. */
  readonly generation: number;
  /** Empty for a close without content. */
  readonly payload: Uint8Array;
  readonly messages: number;
  readonly producer: Producer | null;
  readonly seq: string | null;
  readonly close: boolean;
}

/** Approximate bytes of an append besides its payload. */
const OVERHEAD = 256;

/** Queues the appends of one stream. */
export class AppendQueue {
  readonly #commits: CommitQueue<PreparedAppend, AppendOutcome>;

  constructor(live: LiveStream, around: Surroundings) {
    this.#commits = new CommitQueue<PreparedAppend, AppendOutcome>({
      turns: live.turns,
      maxWaitingBytes: around.limits.waitingBytes,
      full: (limit) => new StreamError('at_capacity', 'the queue of appends is full', { limit }),
      draft: () => AppendDraft.of(live, around),
      // When the log is full, a close that shared a commit with content would be refused together with it.
      isApart: ({ close, payload }) => close && payload.byteLength === 0,
    });
  }

  /**
   * Resolves when the append is durable.
   * @throws StreamError possibly before queueing: `at_capacity`
   */
  append(append: PreparedAppend): Promise<AppendOutcome> {
    return this.#commits.add(append, append.payload.byteLength + OVERHEAD);
  }
}
