import type { MsgEntry } from './message.js';
import { decodeMessage } from './message-codec.js';

/**
 * The messages of one commit, shared by all live subscribers of a channel: the cost of a commit for each subscriber
 * does not depend on the number of messages. The first subscriber that takes them decodes them.
 */
export class Arrived {
  readonly bytes: number;
  readonly #first: number;
  readonly #stored: readonly Uint8Array[];
  #entries: readonly MsgEntry[] | undefined;

  /** @param first index of the first message */
  constructor(first: number, stored: readonly Uint8Array[]) {
    this.#first = first;
    this.#stored = stored;
    this.bytes = stored.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  get count(): number {
    return this.#stored.length;
  }

  get entries(): readonly MsgEntry[] {
    this.#entries ??= this.#stored.map((data, i) => decodeMessage(this.#first + i, data));
    return this.#entries;
  }

  /** Stored size of one message, bytes. */
  sizeAt(i: number): number {
    return this.#stored[i]?.byteLength ?? 0;
  }
}
