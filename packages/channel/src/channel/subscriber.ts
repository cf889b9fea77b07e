import { takeTurn } from '@weir/base';
import type { Arrived } from './arrived.js';
import type { Caller } from './caller.js';
import { ChannelError } from './channel-error.js';
import type { Limits } from './limits.js';
import type { ChannelEnd, LiveChannel } from './live-channel.js';
import type { MsgEntry } from './message.js';

/** A frame of a subscription: at least one entry, in order; or the end of the channel, with the reason. */
export type Frame =
  | { readonly type: 'entries'; readonly entries: readonly MsgEntry[] }
  | ({ readonly type: 'closed' } & ChannelEnd);

/** Dependencies of a {@link Subscriber} besides its channel. */
export interface SubscriberParts {
  readonly limits: () => Limits;
  /** The owner that shares the event loop fairly with others. */
  readonly owner: string;
  /** Awaited before entries are taken. */
  readonly room: () => Promise<void> | void;
  /** Called once when the subscription ends, for any reason. */
  readonly onEnd: () => void;
}

/** Maximum bytes of a frame, unless one entry is larger: encoding a frame must take only a few milliseconds. */
const PAGE_BYTES = 64 * 1024;

/**
 * One reader of a channel: it reads the history from the log at its own pace, then live entries through a bounded
 * buffer. A subscriber whose buffer overflows ends with `subscriber_too_slow` and its cursor; the writer never waits.
 * Iterate once.
 */
export class Subscriber implements AsyncIterable<Frame> {
  readonly #live: LiveChannel;
  readonly #caller: Caller;
  readonly #parts: SubscriberParts;
  #cursor: number;
  #isLive = false;
  #buffer: Arrived[] = [];
  /** Entries of the first buffered commit that were already taken. */
  #taken = 0;
  /** Number of buffered entries. */
  #count = 0;
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

  /** Index of the last entry returned: the cursor to resume after. */
  get cursor(): number {
    return this.#cursor;
  }

  [Symbol.asyncIterator](): AsyncIterator<Frame, void, undefined> {
    return this.#frames();
  }

  /** Ends the subscription without an error. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#buffer = [];
    this.#live.subscribers.delete(this);
    this.#wake();
    this.#parts.onEnd();
  }

  /** Ends the subscription with an error that carries the cursor. */
  fail(code: 'subscriber_too_slow' | 'draining', message: string): void {
    const hint = `subscribe again after ${this.#cursor}`;
    this.#failWith(new ChannelError(code, message, { cursor: this.#cursor, hint }));
  }

  /** Buffers the entries of one commit. */
  push(arrived: Arrived): void {
    if (!this.#isLive || this.#ended) return;
    const { subscriberEntries, subscriberBytes } = this.#parts.limits();
    const [count, bytes] = [this.#count + arrived.count, this.#bytes + arrived.bytes];
    // Always accept a batch into an empty buffer, even if it exceeds the limit; otherwise it could never be delivered.
    if (this.#count > 0 && (count > subscriberEntries || bytes > subscriberBytes)) {
      this.fail(
        'subscriber_too_slow',
        `more than ${subscriberEntries} entries or ${subscriberBytes} bytes wait`,
      );
      return;
    }
    this.#buffer.push(arrived);
    [this.#count, this.#bytes] = [count, bytes];
    this.#wake();
  }

  /** Rechecks the access of the caller, and whether the channel has ended. */
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
        if (this.#hasMore && !this.#ended) {
          await this.#parts.room();
          await takeTurn(this.#parts.owner);
        }
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#ended) return;
        const entries = this.#isLive ? this.#take() : await this.#history();
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#ended) return;
        const last = entries.at(-1);
        if (last !== undefined) {
          this.#cursor = last.index;
          yield { type: 'entries', entries };
          // Entries may have been buffered since the reader reached the end of the history.
        } else if (this.#isLive && this.#count === 0) {
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
    return this.#isLive ? this.#count > 0 : this.#cursor < this.#live.last;
  }

  /** Returns the next page of the log; switches to live at its end. */
  async #history(): Promise<readonly MsgEntry[]> {
    const entries = await this.#live.read(this.#cursor, { maxBytes: PAGE_BYTES });
    if (entries.length === 0) this.#goLive();
    return entries;
  }

  /** The log may be ahead of the commits that the channel has announced; the reverse lasts only briefly. */
  #goLive(): void {
    this.#isLive = this.#cursor >= this.#live.last;
  }

  /** Returns the next page of the buffer; empty if all of it was already read from the log. */
  #take(): readonly MsgEntry[] {
    const page: MsgEntry[] = [];
    let left = PAGE_BYTES;
    for (let arrived = this.#buffer[0]; arrived !== undefined; arrived = this.#buffer[0]) {
      for (; this.#taken < arrived.count; this.#taken += 1) {
        const size = arrived.sizeAt(this.#taken);
        if (page.length > 0 && size > left) return page;
        const entry = arrived.entries[this.#taken];
        if (entry !== undefined && entry.index > this.#cursor) page.push(entry);
        left -= size;
        this.#bytes -= size;
        this.#count -= 1;
      }
      this.#buffer.shift();
      this.#taken = 0;
    }
    return page;
  }

  #failWith(error: unknown): void {
    if (this.#ended) return;
    this.#failure = error;
    this.close();
  }
}
