import type { Log } from '@weir/log';
import { CommitQueue } from '../commit/commit-queue.js';
import type { Turns } from '../commit/turns.js';
import { AppendDraft } from './append-draft.js';
import { type Caller, type Sender, writerOf } from './caller.js';
import type { Channel } from './channel.js';
import { ChannelError } from './channel-error.js';
import type { ChannelLimits } from './limits.js';
import { type Appended, checkMessages, type NewMessage } from './message.js';
import type { Pipeline } from './pipeline.js';
import type { RateLimiter } from './rate-limiter.js';
import type { Senders } from './senders.js';

/** The channel that is appended to. */
export interface AppendTarget {
  readonly log: Log;
  readonly stream: string;
  readonly turns: Turns;
  readonly limits: ChannelLimits;
  /** Whose share of the log its messages count towards. */
  readonly owner: string | undefined;
  readonly senders: Senders;
  /** Whether new messages are taken: not while the process closes, nor after. */
  readonly isOpen: boolean;
  /** As it is now. @throws ChannelError `channel_gone` */
  readonly channel: Channel;
  bucketOf(sender: Sender): RateLimiter | undefined;
  now(): number;
  /** Called with what one commit has stored. */
  stored(first: number, entries: readonly Uint8Array[], senders: Senders): void;
}

/** One caller's append. */
export interface AppendRequest {
  readonly caller: Caller;
  readonly messages: readonly NewMessage[];
  /** Of appends that do not wait for one another. */
  readonly pipeline?: Pipeline | undefined;
}

const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** About what a message takes beside its payload. */
const OVERHEAD = 256;

/** Appends of one channel. */
export class AppendQueue {
  readonly #target: AppendTarget;
  readonly #commits: CommitQueue<AppendRequest, Appended[]>;

  constructor(target: AppendTarget) {
    this.#target = target;
    this.#commits = new CommitQueue<AppendRequest, Appended[]>({
      turns: target.turns,
      maxWaitingBytes: MAX_WAITING_BYTES,
      full: (limit) => new ChannelError('at_capacity', 'too much waits to be stored', { limit }),
      draft: async () => {
        const draft = await AppendDraft.of(target);
        return {
          admit: (request) => {
            request.pipeline?.enter(request.messages);
            return draft.admit(request);
          },
          store: () => draft.store(),
        };
      },
      onStored: ({ pipeline, messages }) => pipeline?.stored(messages),
      onRefused: ({ pipeline, messages }, error) => pipeline?.refuse(messages, error),
    });
  }

  /**
   * Resolves when durable with where the messages are, in their order.
   * @throws ChannelError also at once: for a caller who may not write, messages that are none, `at_capacity`
   */
  append(request: AppendRequest): Promise<Appended[]> {
    // The commit checks this again; but a caller who may not write must not fill the queue either.
    writerOf(this.#target.channel, request.caller);
    checkMessages(request.messages, this.#target.limits);
    let bytes = 0;
    for (const { payload } of request.messages) bytes += payload.byteLength + OVERHEAD;
    return this.#commits.add(request, bytes);
  }

  /** Resolves when no append waits. */
  async idle(): Promise<void> {
    await this.#commits.idle();
  }
}
