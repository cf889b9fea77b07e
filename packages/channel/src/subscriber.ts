import type { Caller } from './caller.js';
import { ChannelError } from './channel-error.js';
import type { Limits } from './limits.js';
import type { ChannelEnd, LiveChannel } from './live-channel.js';
import type { MsgEntry } from './message.js';

/** What a subscriber gets: entries in order, at least one; and at the end that nothing comes any more, and why. */
export type Frame =
  | { readonly type: 'entries'; readonly entries: readonly MsgEntry[] }
  | ({ readonly type: 'closed' } & ChannelEnd);

/** What a {@link Subscriber} works with besides its channel. */
export interface SubscriberParts {
  readonly limits: () => Limits;
  /** Awaited before entries are taken. */
  readonly room: () => Promise<void> | void;
  /** Called once, however it ends. */
  readonly onEnd: () => void;
}

const HISTORY_BYTES = 1024 * 1024;

/**
 * One reader of a channel: history from the log first, at its own pace; then what comes, through a bounded buffer. One
 * whose buffer overflows ends with `subscriber_too_slow` and its cursor, and the writer never waits. To be iterated once.
 */
export class Subscriber implements AsyncIterable<Frame> {
  readonly #live: LiveChannel;
  readonly #caller: Caller;
  readonly #parts: SubscriberParts;
  #cursor: number;
  #isLive = false;
  #buffer: MsgEntry[] = [];
  #bytes = 0;
  #ended = false;
  #failure: unknown;
  #wake: () => void = () => {};

  constructor(live: LiveChannel, caller: Caller, after: number, parts: SubscriberParts) {
    this.#live = live;
    this.#caller = caller;
    this.#cursor = after;
    this.#parts = parts;
    live.subscribers.add(this);
    this.#goLive();
  }

  /** Index of the last entry handed out: where to subscribe after. */
  get cursor(): number {
    return this.#cursor;
  }

  [Symbol.asyncIterator](): AsyncIterator<Frame, void, undefined> {
    return this.#frames();
  }

  /** Ends the subscription quietly. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#buffer = [];
    this.#bytes = 0;
    this.#live.subscribers.delete(this);
    this.#wake();
    this.#parts.onEnd();
  }

  /** Ends the subscription with an error, and where to go on. */
  fail(code: 'subscriber_too_slow' | 'draining', message: string): void {
    const hint = `subscribe again after ${this.#cursor}`;
    this.#failWith(new ChannelError(code, message, { cursor: this.#cursor, hint }));
  }

  /** The channel has these now. */
  push(entries: readonly MsgEntry[], bytes: number): void {
    if (!this.#isLive || this.#ended) return;
    const { subscriberEntries, subscriberBytes } = this.#parts.limits();
    const count = this.#buffer.length;
    // What finds the buffer empty always fits, or nobody could follow large batches.
    if (count > 0 && (count + entries.length > subscriberEntries || this.#bytes + bytes > subscriberBytes)) {
      this.fail(
        'subscriber_too_slow',
        `more than ${subscriberEntries} entries or ${subscriberBytes} bytes wait`,
      );
      return;
    }
    for (const entry of entries) if (entry.index > this.#cursor) this.#buffer.push(entry);
    this.#bytes += bytes;
    this.#wake();
  }

  /** The channel changed: may this caller still read it, and has it ended? */
  look(): void {
    try {
      this.#live.checkReader(this.#caller);
      this.#wake();
    } catch (error) {
      this.#failWith(error);
    }
  }

  async *#frames(): AsyncGenerator<Frame, void, undefined> {
    try {
      for (;;) {
        if (this.#hasMore && !this.#ended) await this.#parts.room();
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#ended) return;
        const entries = this.#isLive ? this.#take() : await this.#history();
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#ended) return;
        const last = entries.at(-1);
        if (last !== undefined) {
          this.#cursor = last.index;
          yield { type: 'entries', entries };
          // The buffer may have been filled since history was found to be at its end.
        } else if (this.#isLive && this.#buffer.length === 0) {
          const { end } = this.#live;
          if (end !== undefined) {
            yield { type: 'closed', ...end };
            return;
          }
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.close();
    }
  }

  get #hasMore(): boolean {
    return this.#isLive ? this.#buffer.length > 0 : this.#cursor < this.#live.last;
  }

  /** The next page of what is stored; live once there is none. */
  async #history(): Promise<readonly MsgEntry[]> {
    const entries = await this.#live.read(this.#cursor, { maxBytes: HISTORY_BYTES });
    if (entries.length === 0) this.#goLive();
    return entries;
  }

  /** What the log shows may be ahead of what the channel has announced, never the other way round for long. */
  #goLive(): void {
    this.#isLive = this.#cursor >= this.#live.last;
  }

  #take(): readonly MsgEntry[] {
    const entries = this.#buffer;
    this.#buffer = [];
    this.#bytes = 0;
    return entries;
  }

  #failWith(error: unknown): void {
    if (this.#ended) return;
    this.#failure = error;
    this.close();
  }
}
