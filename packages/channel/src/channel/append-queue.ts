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
  /** The owner whose share of the log its messages count towards. */
  readonly owner: string | undefined;
  readonly senders: Senders;
  /** False while the process closes and afterwards: new messages are rejected. */
  readonly isOpen: boolean;
  /** The current state. @throws ChannelError `channel_gone` */
  readonly channel: Channel;
  bucketOf(sender: Sender): RateLimiter | undefined;
  now(): number;
  /** Called after each commit with the entries that it stored. */
  stored(first: number, entries: readonly Uint8Array[], senders: Senders): void;
}

/** One caller's append. */
export interface AppendRequest {
  readonly caller: Caller;
  readonly messages: readonly NewMessage[];
  /** Set for appends that are sent without waiting for the answers to earlier ones. */
  readonly pipeline?: Pipeline | undefined;
}

const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** Approximate bytes of a message besides its payload. */
const OVERHEAD = 256;

/** Queues the appends of one channel. */
export class AppendQueue {
  readonly #target: AppendTarget;
  readonly #commits: CommitQueue<AppendRequest, Appended[]>;

  constructor(target: AppendTarget) {
    this.#target = target;
    this.#commits = new CommitQueue<AppendRequest, Appended[]>({
      turns: target.turns,
      maxWaitingBytes: MAX_WAITING_BYTES,
      full: (limit) => new ChannelError('at_capacity', 'the queue of appends is full', { limit }),
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
   * Resolves when the messages are durable, with their places in the same order.
   * @throws ChannelError may also throw before queueing: the caller may not write, a message is invalid, `at_capacity`
   */
  append(request: AppendRequest): Promise<Appended[]> {
    // The commit checks this again. The check here keeps a caller without the right to write from filling the queue.
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
