import { createHash, timingSafeEqual } from 'node:crypto';
import { type Hello, type HelloAck, type Message, PROTOCOL_VERSION } from '../protocol/index.js';

/** A refused hello. */
export interface Refusal {
  readonly code: Extract<HelloAck, { readonly ok: false }>['code'];
  readonly message: string;
  readonly hint: string;
}

/** Validates the first message of a connection: returns the hello, or the reason for its refusal. */
export function greet(message: Message, secret: string): Hello | Refusal {
  if (message.type !== 'hello') {
    return invalid(`The first message was ${message.type}.`, 'Send hello first.');
  }
  if (!isSame(message.secret, secret)) {
    return {
      code: 'secret',
      message: 'The secret is not that of this bus.',
      hint: 'Read it from the file bus.secret, as its owner. It changes when the bus starts.',
    };
  }
  if (message.protocol !== PROTOCOL_VERSION) {
    return {
      code: 'version',
      message: `This bus speaks version ${PROTOCOL_VERSION} of the protocol, not ${message.protocol}.`,
      hint: 'Run the same release on both sides: end this bus with "weir event stop".',
    };
  }
  return message;
}

/** The request can never succeed. */
export const invalid = (message: string, hint: string): Refusal => ({ code: 'invalid', message, hint });

/** The request is valid, but cannot be served now. */
export const notNow = (message: string, hint: string): Refusal => ({ code: 'not_now', message, hint });

/** An operator stopped the bus; clients must not start another automatically. */
export const SHUTDOWN: Refusal = {
  code: 'shutdown',
  message: 'The bus was stopped.',
  hint: '"weir event stop --force" stopped it; consume again to start another.',
};

/** The consumer chose `disconnect`, and the bus disconnected it because it was too slow. */
export const TOO_SLOW: Refusal = {
  code: 'consumer_too_slow',
  message: 'This consumer was disconnected because it read more slowly than events arrived.',
  hint: 'Read faster, or choose another policy for slow consumers.',
};

/** The bus is about to end, and the client should start another. */
export const HANDOVER: Refusal = {
  code: 'handover',
  message: 'This bus is stopping.',
  hint: 'Start another bus and connect to it.',
};

/** Encodes a refusal as the reply to hello. */
export function refused(refusal: Refusal, version: string): HelloAck {
  return { type: 'hello_ack', protocol: PROTOCOL_VERSION, version, ok: false, ...refusal };
}

// timingSafeEqual needs equal lengths; comparing digests also hides the length of the secret.
const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
