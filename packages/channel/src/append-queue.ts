/**
 * Appends of one channel, one commit after the other. While one is on its way to the disk the next gathers, so many
 * callers share a commit; and as nothing of the channel is in flight when a commit is made up, each message is judged by
 * what is stored, never by what may yet fail.
 */
import type { Log } from '@weir/log';
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

interface Waiting extends AppendRequest {
  readonly bytes: number;
  readonly resolve: (places: Appended[]) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_COMMIT_BYTES = 16 * 1024 * 1024;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** About what a message takes beside its payload. */
const OVERHEAD = 256;

/** See the head of this file. */
export class AppendQueue {
  readonly #target: AppendTarget;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | undefined;
  #committing: Promise<void> | undefined;

  constructor(target: AppendTarget) {
    this.#target = target;
  }

  /**
   * Resolves when durable with where the messages are, in their order.
   * @throws ChannelError also at once: for a caller who may not write, messages that are none, `at_capacity`
   */
  append(request: AppendRequest): Promise<Appended[]> {
    // Asked again when it is committed; but who may not write must not fill the queue either.
    writerOf(this.#target.channel, request.caller);
    checkMessages(request.messages, this.#target.limits);
    let bytes = 0;
    for (const { payload } of request.messages) bytes += payload.byteLength + OVERHEAD;
    if (this.#waiting.length > 0 && this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      const limit = MAX_WAITING_BYTES;
      const error = new ChannelError('at_capacity', 'too much waits to be stored', { limit });
      request.pipeline?.refuse(request.messages, error);
      throw error;
    }
    return new Promise((resolve, reject) => {
      this.#waitingBytes += bytes;
      this.#waiting.push({ ...request, bytes, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when what is being committed now is through; what comes later sees the channel as it is by now. */
  async settled(): Promise<void> {
    await this.#committing;
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Callers of the same turn belong to the first commit.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      this.#committing = this.#commit(this.#take());
      await this.#committing;
    }
    this.#committing = undefined;
    this.#running = undefined;
  }

  #take(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const request of this.#waiting) {
      bytes += request.bytes;
      if (count > 0 && bytes > MAX_COMMIT_BYTES) {
        bytes -= request.bytes;
        break;
      }
      count += 1;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  async #commit(requests: readonly Waiting[]): Promise<void> {
    const answers: (() => void)[] = [];
    try {
      const draft = await AppendDraft.of(this.#target);
      for (const request of requests) {
        try {
          request.pipeline?.enter(request.messages);
          const places = await draft.admit(request);
          answers.push(() => {
            request.pipeline?.stored(request.messages);
            request.resolve(places);
          });
        } catch (error) {
          // Those behind it are judged by that at once.
          request.pipeline?.refuse(request.messages, error);
          answers.push(() => request.reject(error));
        }
      }
      await draft.store();
    } catch (error) {
      // Refusals too rest on what was to be stored: nobody is told of an end, or a conflict, that never was.
      for (const request of requests) {
        request.pipeline?.refuse(request.messages, error);
        request.reject(error);
      }
      return;
    }
    for (const answer of answers) answer();
  }
}
