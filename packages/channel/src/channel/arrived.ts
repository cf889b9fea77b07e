import type { MsgEntry } from './message.js';
import { decodeMessage } from './message-codec.js';

/**
 * The messages of one commit on their way to the live subscribers of a channel, which share them: a commit costs each
 * subscriber the same, however many messages it has. They are decoded when the first subscriber takes them.
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

  /** Bytes of one message as it is stored. */
  sizeAt(i: number): number {
    return this.#stored[i]?.byteLength ?? 0;
  }
}
