import type { Message } from '../message.js';
import { MessageDecoder } from '../message-decoder.js';

/** Feeds pieces to a decoder: what it decoded, and what it threw at last. */
export function decodePieces(pieces: Iterable<Uint8Array>): { messages: Message[]; error?: unknown } {
  const messages: Message[] = [];
  const decoder = new MessageDecoder((message) => messages.push(message));
  try {
    for (const piece of pieces) decoder.push(piece);
    decoder.end();
  } catch (error) {
    return { messages, error };
  }
  return { messages };
}
