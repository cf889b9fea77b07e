/** `data` is content, `end` ends its sender's side, `error` reports an error and ends nothing. */
export type MessageType = 'data' | 'end' | 'error';

/** One message of a channel. */
export class Message {
  /** Its place in the channel: 1, 2, 3, … the same for all readers; a reader continues after it. */
  readonly index: number;
  /** The sender's own number for it. */
  readonly sequence: number;
  /** The index of the message it answers. */
  readonly inReplyTo: number | undefined;
  readonly timestamp: Date;
  /** Role and credential: `submitter:<credential>` or `executor#<attempt>:<credential>`. */
  readonly senderId: string;
  /** The attempt of the process when it was sent. */
  readonly attempt: number;
  readonly type: MessageType;
  readonly payload: Uint8Array;
  readonly contentType: string | undefined;
  /** What went wrong, of type `error`. */
  readonly error: string | undefined;

  constructor(header: MessageHeader, payload: Uint8Array) {
    this.index = header.index;
    this.sequence = header.sequence;
    this.inReplyTo = header.in_reply_to;
    this.timestamp = new Date(header.timestamp);
    this.senderId = header.sender_id;
    this.attempt = header.attempt;
    this.type = header.type;
    this.payload = payload;
    this.contentType = header.content_type;
    this.error = header.error;
  }

  /** Which side sent it. */
  get from(): 'submitter' | 'executor' {
    return this.senderId.startsWith('executor') ? 'executor' : 'submitter';
  }

  /** The payload as UTF-8. */
  text(): string {
    return new TextDecoder().decode(this.payload);
  }

  /** The payload as JSON. @throws SyntaxError */
  json(): unknown {
    return JSON.parse(this.text());
  }
}

/** A message on the wire, without its payload. */
export interface MessageHeader {
  readonly index: number;
  readonly sequence: number;
  readonly in_reply_to?: number;
  /** Unix milliseconds. */
  readonly timestamp: number;
  readonly sender_id: string;
  readonly attempt: number;
  readonly type: MessageType;
  readonly content_type?: string;
  readonly error?: string;
}

/** What can be sent: bytes; a text; anything else as JSON. */
export type Content =
  | Uint8Array
  | string
  | number
  | boolean
  | null
  | readonly unknown[]
  | { readonly [name: string]: unknown };

/** The bytes of a content, and what they are. */
export function encodeContent(content: Content): {
  readonly payload: Uint8Array;
  readonly contentType?: string;
} {
  if (content instanceof Uint8Array) return { payload: content };
  const encoder = new TextEncoder();
  if (typeof content === 'string') {
    return { payload: encoder.encode(content), contentType: 'text/plain; charset=utf-8' };
  }
  return { payload: encoder.encode(JSON.stringify(content)), contentType: 'application/json' };
}
