import { takeTurn } from '@weir/base';
import { type Caller, type ChannelEnd, ChannelError, type MsgEntry, type Router } from '@weir/channel';
import type { RequestRecord } from '@weir/usage';
import type { Outbox } from '../../http/socket/outbox.js';
import type { Credit } from './credit.js';
import { entriesFrame } from './entries-frame.js';

/** Dependencies of a {@link Reading}. */
export interface ReadingParts {
  readonly ch: number;
  readonly router: Router;
  /** The id of the channel. */
  readonly id: string;
  readonly caller: Caller;
  /** The owner (a project) that shares the event loop fairly with others. */
  readonly owner: string;
  readonly outbox: Outbox;
  readonly credit: Credit;
  readonly usage: RequestRecord | undefined;
}

/** Sends the entries of one channel to a client, limited by its credit and its reading speed. */
export class Reading {
  readonly #parts: ReadingParts;
  /** Index of the last entry that was sent. */
  #cursor: number;
  readonly #stop = new AbortController();
  /** Set when nothing more may be sent; entries in progress are dropped. */
  #isOver = false;
  #failure: unknown;

  constructor(after: number, parts: ReadingParts) {
    this.#cursor = after;
    this.#parts = parts;
  }

  /** Stops the reading. @param failure the error that {@link run} rejects with; without one it resolves */
  stop(failure?: unknown): void {
    this.#failure = failure;
    this.#stop.abort();
  }

  /**
   * Sends until the channel ends, and resolves with the end; resolves with null once stopped.
   * @throws ChannelError with the cursor of the last entry sent
   */
  async run(): Promise<ChannelEnd | null> {
    const { router, id, caller, owner, credit } = this.#parts;
    const { signal } = this.#stop;
    const onEnd = () => {
      this.#isOver = true;
      credit.release();
    };
    try {
      const room = () => credit.available();
      const subscriber = await router.subscribe(id, caller, {
        after: this.#cursor,
        owner,
        signal,
        room,
        onEnd,
      });
      for await (const frame of subscriber) {
        if (frame.type === 'closed') return frame;
        await this.#send(frame.entries);
      }
    } catch (error) {
      throw this.#placed(error);
    }
    if (this.#failure !== undefined) throw this.#failure;
    return null;
  }

  async #send(entries: readonly MsgEntry[]): Promise<void> {
    const { ch, owner, outbox, credit, usage } = this.#parts;
    for (let from = 0; from < entries.length && !this.#isOver; ) {
      await credit.available();
      let isConnected = false;
      await outbox.give(async () => {
        isConnected = true;
        // Frames of a connection are created one after another, long after their pages were read.
        await takeTurn(owner);
        if (this.#isOver) return null;
        const { frame, next } = entriesFrame(ch, entries, from);
        credit.spend(frame.length);
        usage?.delivered(next - from);
        this.#cursor = entries[next - 1]?.index ?? this.#cursor;
        from = next;
        return frame;
      });
      if (!isConnected) this.stop();
    }
  }

  /** Sets the cursor of the error to the last entry sent: the subscription may have returned more. */
  #placed(error: unknown): unknown {
    if (!(error instanceof ChannelError) || error.facts.cursor === undefined) return error;
    const cursor = this.#cursor;
    return new ChannelError(error.code, error.message, { cursor, hint: `read again after ${cursor}` });
  }
}
