import { ChannelError } from './channel-error.js';
import type { ChannelLimits } from './limits.js';

/** `data`: content. `end`: the sender's side ends. `error`: reports an error and ends nothing. */
export type MessageType = 'data' | 'end' | 'error';

/** A message to append. */
export interface NewMessage {
  /** The sender's number of the message: an integer from 0, above the sender's last. Gaps are allowed. */
  readonly sequence: number;
  readonly payload: Uint8Array;
  /** Default `data`. */
  readonly type?: MessageType | undefined;
  /** The index of the message that this one answers. */
  readonly inReplyTo?: number | undefined;
  /** At most 255 bytes. */
  readonly contentType?: string | undefined;
  /** The reported error, at most 16 KiB; only with type `error`. */
  readonly error?: string | undefined;
}

/** One stored message. */
export interface MsgEntry {
  /** The place in the channel: 1, 2, 3, …, the same for every reader. Serves as the cursor. */
  readonly index: number;
  readonly sequence: number;
  readonly inReplyTo?: number;
  /** Time of the append, Unix milliseconds. */
  readonly timestamp: number;
  /** Role and credential: `submitter:<credential>` or `executor#<attempt>:<credential>`. */
  readonly senderId: string;
  /** The attempt of the process at the time of the append. */
  readonly attempt: number;
  readonly type: MessageType;
  readonly payload: Uint8Array;
  readonly contentType?: string;
  readonly error?: string;
}

/** The place of an appended message. */
export interface Appended {
  readonly index: number;
  /** Unix milliseconds. */
  readonly timestamp: number;
}

const TYPES: ReadonlySet<string> = new Set(['data', 'end', 'error']);
const MAX_CONTENT_TYPE_BYTES = 255;
const MAX_ERROR_BYTES = 16 * 1024;

/**
 * @throws ChannelError `invalid_message`, `message_too_large`, `sequence_out_of_order` if the batch cannot be stored
 */
export function checkMessages(messages: readonly NewMessage[], limits: ChannelLimits): void {
  if (messages.length === 0) throw new ChannelError('invalid_message', 'a batch has at least one message');
  if (messages.length > limits.entries) {
    throw tooLarge(
      `a batch of ${messages.length} messages; the channel keeps ${limits.entries}`,
      limits.entries,
    );
  }
  let last = -1;
  for (const message of messages) {
    checkMessage(message, limits);
    if (message.sequence <= last) {
      throw new ChannelError(
        'sequence_out_of_order',
        `sequence ${message.sequence} comes after ${last} in one batch`,
      );
    }
    last = message.sequence;
  }
}

function checkMessage(message: NewMessage, limits: ChannelLimits): void {
  const { sequence, type = 'data', payload, contentType = '', error } = message;
  if (!Number.isSafeInteger(sequence) || sequence < 0) {
    throw invalid(`sequence ${sequence} is not an integer from 0 to ${Number.MAX_SAFE_INTEGER}`);
  }
  if (!TYPES.has(type)) throw invalid(`type ${JSON.stringify(type)} is not data, end or error`);
  if (error !== undefined && type !== 'error') throw invalid(`a message of type ${type} has no error`);
  if (Buffer.byteLength(contentType) > MAX_CONTENT_TYPE_BYTES) {
    throw invalid(`a content type has at most ${MAX_CONTENT_TYPE_BYTES} bytes`);
  }
  if (Buffer.byteLength(error ?? '') > MAX_ERROR_BYTES) {
    throw invalid(`an error has at most ${MAX_ERROR_BYTES} bytes`);
  }
  const most = Math.min(limits.payloadBytes, limits.bytes);
  if (payload.byteLength > most) {
    throw tooLarge(`a payload of ${payload.byteLength} bytes; at most ${most}`, most);
  }
}

function invalid(message: string): ChannelError {
  return new ChannelError('invalid_message', message);
}

function tooLarge(message: string, limit: number): ChannelError {
  return new ChannelError('message_too_large', message, { limit });
}
