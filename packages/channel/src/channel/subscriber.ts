import { takeTurn } from '@weir/base';
import type { Arrived } from './arrived.js';
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
  /** In whose turns of the event loop it reads. */
  readonly owner: string;
  /** Awaited before entries are taken. */
  readonly room: () => Promise<void> | void;
  /** Called once, however it ends. */
  readonly onEnd: () => void;
}

/** Bytes of a frame, unless one entry is larger: what it is made into takes a few milliseconds at most. */
const PAGE_BYTES = 64 * 1024;

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
  #buffer: Arrived[] = [];
  /** Entries of the first in the buffer that were taken before. */
  #taken = 0;
  /** Of what waits in the buffer. */
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
          // The buffer may have been filled since history was found to be at its end.
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

  /** The next page of what is stored; live once there is none. */
  async #history(): Promise<readonly MsgEntry[]> {
    const entries = await this.#live.read(this.#cursor, { maxBytes: PAGE_BYTES });
    if (entries.length === 0) this.#goLive();
    return entries;
  }

  /** What the log shows may be ahead of what the channel has announced, never the other way round for long. */
  #goLive(): void {
    this.#isLive = this.#cursor >= this.#live.last;
  }

  /** The next page of what came; empty where all of it was read from the log before. */
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
