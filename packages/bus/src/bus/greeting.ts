import { createHash, timingSafeEqual } from 'node:crypto';
import { type Hello, type HelloAck, type Message, PROTOCOL_VERSION } from '../protocol/index.js';

/** Why a hello is not welcome. */
export interface Refusal {
  readonly code: Extract<HelloAck, { readonly ok: false }>['code'];
  readonly message: string;
  readonly hint: string;
}

/** The hello in a connection's first message, or why it gets no further. */
export function greet(message: Message, secret: string): Hello | Refusal {
  if (message.type !== 'hello') {
    return invalid(`The first message was ${message.type}.`, 'Say hello first.');
  }
  if (!isSame(message.secret, secret)) {
    return {
      code: 'secret',
      message: 'The secret is not that of this bus.',
      hint: 'Read it from the file beside the socket, as its owner. It changes when the bus starts.',
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

/** What was asked for cannot be. */
export const invalid = (message: string, hint: string): Refusal => ({ code: 'invalid', message, hint });

/** It can be, but not now, and that is no fault of who asked. */
export const notNow = (message: string, hint: string): Refusal => ({ code: 'not_now', message, hint });

/** The bus was told to end, and nobody is to start another by themselves. */
export const SHUTDOWN: Refusal = {
  code: 'shutdown',
  message: 'The bus was stopped.',
  hint: 'Somebody ran "weir event stop --force"; consume again to start another.',
};

/** It asked to be ended when it is too slow, and was. */
export const TOO_SLOW: Refusal = {
  code: 'consumer_too_slow',
  message: 'This consumer was ended because it read more slowly than its events came.',
  hint: 'Read faster, or choose another policy for slow consumers.',
};

/** The bus is about to end. */
export const HANDOVER: Refusal = {
  code: 'handover',
  message: 'This bus ends now.',
  hint: 'Start another one and say hello to that.',
};

/** The answer that says so. */
export function refused(refusal: Refusal, version: string): HelloAck {
  return { type: 'hello_ack', protocol: PROTOCOL_VERSION, version, ok: false, ...refusal };
}

// Of digests, which have one length: how long the comparison takes tells nothing of the secret.
const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
