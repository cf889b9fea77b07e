import { decodeLine } from './decode-line.js';
import { LineSplitter } from './line-splitter.js';
import type { Message } from './message.js';
import { ProtocolError } from './protocol-error.js';

/**
 * Decodes messages from the bytes of a connection, however these are split. After an error it decodes nothing more,
 * because the start of the next message is unknown.
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

  /** `onMessage` is called for each message in order, before `push` returns. If it throws, decoding ends as well. */
  constructor(onMessage: (message: Message) => void) {
    this.#onMessage = onMessage;
  }

  /**
   * Decodes the next bytes.
   *
   * @throws ProtocolError after the messages before the bad line were passed to `onMessage`; every later call throws
   * the same error.
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
   * Reports the end of the stream.
   *
   * @throws ProtocolError `unfinished_line` if the stream ended inside a line.
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
