import { decodeLine } from './decode-line.js';
import { LineSplitter } from './line-splitter.js';
import type { Message } from './message.js';
import { ProtocolError } from './protocol-error.js';

/**
 * Reads messages from a connection's bytes, however they are split. After an error it reads no more: where the next
 * message begins is not known.
 *
 * ```ts
 * const decoder = new MessageDecoder((message) => handle(message));
 * socket.on('data', (piece) => decoder.push(piece));
 * socket.on('end', () => decoder.end());
 * ```
 */
export class MessageDecoder {
  readonly #lines = new LineSplitter();
  readonly #onMessage: (message: Message) => void;
  #failed: { readonly error: unknown } | undefined;

  /** `onMessage` is called for each message in order, before `push` returns. What it throws ends the reading too. */
  constructor(onMessage: (message: Message) => void) {
    this.#onMessage = onMessage;
  }

  /**
   * Takes the next bytes.
   *
   * @throws ProtocolError once the messages before the bad line have been handed on; the same one ever after.
   */
  push(piece: Uint8Array): void {
    if (this.#failed !== undefined) throw this.#failed.error;
    try {
      for (const line of this.#lines.split(piece)) this.#onMessage(decodeLine(line));
    } catch (error) {
      this.#failed = { error };
      throw error;
    }
  }

  /**
   * Says that there are no more bytes.
   *
   * @throws ProtocolError `unfinished_line` when a line has begun and not ended.
   */
  end(): void {
    if (this.#failed !== undefined || !this.#lines.unfinished) return;
    const error = new ProtocolError(
      'unfinished_line',
      'The connection ended inside a message. The other side may have been killed.',
    );
    this.#failed = { error };
    throw error;
  }
}
