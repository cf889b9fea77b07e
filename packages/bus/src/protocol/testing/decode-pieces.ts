import type { Message } from '../message.js';
import { MessageDecoder } from '../message-decoder.js';

/** Feeds chunks to a decoder; returns the decoded messages and the final error. */
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
