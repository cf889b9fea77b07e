import { defined } from '@weir/base';
import type { Connection } from '../http/connection.js';
import { cancelled } from '../http/failure.js';
import { errorOfDocument, WeirError } from '../weir-error.js';
import { type ChannelSocket, type ControlFrame, type Link, socketOf } from './channel-socket.js';
import { appendFrame } from './frames.js';
import { Incoming } from './incoming.js';
import { type Content, encodeContent, type Message, type MessageType } from './message.js';
import { type Appended, Outgoing } from './outgoing.js';

/** Which channel, and how. */
export interface ChannelOptions {
  /** Id of the process. */
  readonly process: string;
  readonly name: string;
  /** Of an executor, as {@link worker} and `assign` give it. Default: as the submitter, or an observer. */
  readonly assignment?: string | undefined;
  /** Read from behind this index; default 0, the first message. */
  readonly after?: number;
  /**
   * Whether other programs use the same sender, such as commands in several terminals: a message gets a new number if another
   * program passed its number. Messages are then sent one after another, which is slower. Default false: two programs that use
   * one sender by mistake get `sequence_conflict`.
   */
  readonly isShared?: boolean;
  /** Closes the channel at once. */
  readonly signal?: AbortSignal | undefined;
  /** Reports that there is no connection, or that the server accepts nothing, and the end of that. */
  readonly onConnection?: ((isThere: boolean) => void) | undefined;
}

/** What belongs to a message besides its content. */
export interface SendOptions {
  /** Index of the message it answers. */
  readonly inReplyTo?: number | undefined;
  /** Default by the content: texts are `text/plain`, bytes nothing, all else `application/json`. */
  readonly contentType?: string | undefined;
}

/** How a channel ended. */
export interface ChannelEnd {
  /** `ended` when both sides have, else how the process did: `success`, `failed` or `cancelled`. */
  readonly reason: string;
  /** Index of the last message. */
  readonly lastIndex: number;
}

const MAX_CONTENT_TYPE_BYTES = 255;
const MAX_ERROR_BYTES = 16 * 1024;
/** The wait before a refused channel is opened again, if the server named none. */
const REOPEN_MS = 500;

/**
 * A channel of a process.
 *
 * ```ts
 * const questions = weir.channel({ process: id, name: 'questions' });
 * await questions.send({ ask: 'colour?' });
 * for await (const message of questions) if (message.from === 'executor') console.log(message.json());
 * ```
 */
export function channel(connection: Connection, options: ChannelOptions): Channel {
  return new Channel(connection, options);
}

/**
 * One channel, over any number of connections: the server stores each sent message once and in order, and a reader gets each
 * message once and in order. One iteration runs at a time; the next one continues where the last one stopped.
 */
export class Channel implements AsyncIterable<Message> {
  readonly process: string;
  readonly name: string;
  readonly #options: ChannelOptions;
  readonly #socket: ChannelSocket;
  readonly #ch: number;
  readonly #outgoing: Outgoing;
  readonly #incoming: Incoming;
  /** Removes the channel from the socket, the client and the signal. */
  readonly #letGo: () => void;
  /** What {@link ChannelOptions.onConnection} reported last. */
  #isThere = true;
  /** Whether `open` was sent on this connection, answered or not. */
  #isAsked = false;
  #isOpen = false;
  #isRead = false;
  /** Whether the last `open` asked for messages. */
  #isOpenedToRead = false;
  #isIterated = false;
  /** Opens the channel again after a refusal for now. */
  #reopening: NodeJS.Timeout | undefined;
  #end: ChannelEnd | null = null;
  #failure: WeirError | null = null;

  /**
   * Made by {@link channel}.
   * @param closesWithClient false if its owner closes it, as a job does
   */
  constructor(connection: Connection, options: ChannelOptions, closesWithClient = true) {
    this.process = options.process;
    this.name = options.name;
    this.#options = options;
    this.#socket = socketOf(connection);
    this.#outgoing = new Outgoing((header, payload) => {
      this.#socket.send(appendFrame(this.#ch, header, payload));
    }, options.isShared);
    this.#incoming = new Incoming(options.after ?? 0, (bytes) => {
      if (this.#isAsked) this.#socket.send({ op: 'credit', ch: this.#ch, bytes });
    });
    this.#ch = this.#socket.attach(this.#link);
    const forgetClient = closesWithClient ? connection.onClose(() => this.close()) : () => {};
    const { signal } = options;
    const abort = (): void => {
      if (signal !== undefined) this.#fail(cancelled(signal));
    };
    signal?.addEventListener('abort', abort);
    this.#letGo = () => {
      clearTimeout(this.#reopening);
      forgetClient();
      signal?.removeEventListener('abort', abort);
      if (this.#isAsked) this.#socket.send({ op: 'close', ch: this.#ch });
      this.#isAsked = false;
      this.#isOpen = false;
      this.#socket.detach(this.#ch);
    };
    if (signal?.aborted) abort();
  }

  /** How it ended, once everything has been read; else null. */
  get end(): ChannelEnd | null {
    return this.#end;
  }

  /** Index of the last message that was received: another reader continues after it. */
  get lastIndex(): number {
    return this.#incoming.last;
  }

  /**
   * Sends a message; resolves when it is on disk. The server stores messages in the order of the calls, whether or not the
   * caller awaits the answers. While the server is away or at its limit, they wait.
   * @throws WeirError `buffer_full` (10,000 or 64 MiB wait), `message_too_large`, `sender_ended`, `channel_closed`,
   * `channel_full`, `stale_attempt`, `forbidden`, …
   */
  send(content: Content, { inReplyTo, contentType }: SendOptions = {}): Promise<Appended> {
    return this.#send('data', content, { inReplyTo, contentType });
  }

  /** Ends this side for this attempt, with an optional last content. */
  sendEnd(content?: Content): Promise<Appended> {
    return this.#send('end', content, {});
  }

  /** Reports an error to the other side, in at most 16 KiB; it ends nothing. */
  sendError(error: string, { inReplyTo }: Pick<SendOptions, 'inReplyTo'> = {}): Promise<Appended> {
    return this.#send('error', undefined, { inReplyTo, error });
  }

  /** Messages in order, from both sides; ends when nothing more can come. @throws WeirError */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    if (this.#isIterated) throw new Error(`channel ${this.name} is being iterated already`);
    this.#isIterated = true;
    try {
      if (!this.#isRead) {
        this.#isRead = true;
        if (this.#isOpen) this.#read();
      }
      for (;;) {
        const message = await this.#incoming.next();
        if (message === undefined) return;
        yield message;
      }
    } finally {
      this.#isIterated = false;
    }
  }

  /**
   * Closes the channel here, once all sent messages are stored; those that are not after `flushMs` fail. The process does not
   * change.
   * @param o.flushMs default 10,000; `Infinity` for as long as it takes
   */
  async close({ flushMs = 10_000 }: { readonly flushMs?: number } = {}): Promise<void> {
    await this.#outgoing.idle(flushMs);
    this.#fail(new WeirError('closed', `channel ${this.name} was closed here`));
  }

  #send(
    type: MessageType,
    content: Content | undefined,
    more: SendOptions & { readonly error?: string },
  ): Promise<Appended> {
    const answer = this.#sending(type, content, more);
    // A rejection that the caller does not await must not end the program.
    answer.catch(() => {});
    return answer;
  }

  async #sending(
    type: MessageType,
    content: Content | undefined,
    { inReplyTo, contentType, error }: SendOptions & { readonly error?: string },
  ): Promise<Appended> {
    if (this.#failure !== null) throw this.#failure;
    checkHeader(contentType, error);
    const encoded = encodeContent(content ?? new Uint8Array());
    return await this.#outgoing.send({
      type,
      payload: encoded.payload,
      content_type: contentType ?? encoded.contentType,
      in_reply_to: inReplyTo,
      error,
    });
  }

  readonly #link: Link = {
    onConnected: () => this.#open(),
    onDisconnected: () => {
      this.#isAsked = false;
      this.#isOpen = false;
      clearTimeout(this.#reopening);
      this.#outgoing.disconnect();
      this.#tellConnection(false);
    },
    onControl: (frame) => this.#control(frame),
    onMessages: (messages, bytes) => this.#incoming.push(messages, bytes),
    onFailure: (error) => this.#fail(error),
  };

  #open(): void {
    const { process, name, assignment } = this.#options;
    // A channel that has ended is opened only to learn what became of the last messages.
    this.#isOpenedToRead = this.#isRead && this.#end === null;
    this.#isAsked = true;
    this.#socket.send({
      op: 'open',
      ch: this.#ch,
      process,
      channel: name,
      ...defined({ assignment }),
      read: this.#isOpenedToRead,
      after: this.#incoming.last,
      credit: this.#incoming.takeRoom(),
    });
  }

  #control(frame: ControlFrame): void {
    switch (frame.op) {
      case 'opened':
        this.#isOpen = true;
        this.#tellConnection(true);
        this.#outgoing.open(
          numberOf(frame.sequence),
          numberOf(frame.max_payload) ?? Number.POSITIVE_INFINITY,
        );
        // An iteration began while the channel was being opened.
        if (this.#isRead && !this.#isOpenedToRead && this.#end === null) this.#read();
        break;
      case 'appended': {
        const [sequence, index, timestamp] = [frame.sequence, frame.index, frame.timestamp].map(numberOf);
        if (sequence == null || index == null || timestamp == null) break;
        this.#outgoing.acknowledge(sequence, { index, timestamp: new Date(timestamp) });
        break;
      }
      case 'closed':
        this.#ended({ reason: String(frame.reason), lastIndex: numberOf(frame.last_index) ?? 0 });
        break;
      case 'error':
        this.#refused(frame);
        break;
    }
  }

  #tellConnection(isThere: boolean): void {
    if (isThere === this.#isThere || this.#failure !== null) return;
    this.#isThere = isThere;
    this.#options.onConnection?.(isThere);
  }

  #refused(frame: ControlFrame): void {
    const error = errorOfDocument(frame, 0);
    const sequence = numberOf(frame.sequence);
    if (sequence !== null) this.#outgoing.refuse(sequence, error);
    else if (!this.#isOpen && error.retryable) {
      this.#isAsked = false;
      this.#reopening = setTimeout(() => this.#open(), error.retryAfterMs ?? REOPEN_MS);
    } else if (!this.#isOpen) {
      this.#isAsked = false;
      this.#fail(error);
    } else if (error.code === 'subscriber_too_slow' || error.code === 'draining') this.#read();
    else if (error.code !== 'already_reading') this.#incoming.fail(error);
  }

  #read(): void {
    this.#socket.send({ op: 'read', ch: this.#ch, after: this.#incoming.last });
  }

  /** No more messages follow. A sent message without an answer may be stored: the connection lost its answer. */
  #ended(end: ChannelEnd): void {
    this.#end = end;
    this.#isAsked = false;
    this.#isOpen = false;
    this.#incoming.finish();
    if (!this.#outgoing.isIdle) {
      this.#outgoing.disconnect();
      this.#open();
    }
    void this.#outgoing.idle(Number.POSITIVE_INFINITY).then(() => {
      this.#fail(new WeirError('channel_closed', `channel ${this.name} has ended: ${end.reason}`));
    });
  }

  #fail(error: WeirError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#letGo();
    this.#outgoing.fail(error);
    if (error.code === 'closed' || this.#end !== null) this.#incoming.finish();
    else this.#incoming.fail(error);
  }
}

/** Check sizes here: a frame that is too large would end the connection of all channels. */
function checkHeader(contentType = '', error = ''): void {
  const [typeBytes, errorBytes] = [Buffer.byteLength(contentType), Buffer.byteLength(error)];
  if (typeBytes > MAX_CONTENT_TYPE_BYTES)
    throw new WeirError(
      'invalid_message',
      `a content type of ${typeBytes} bytes; at most ${MAX_CONTENT_TYPE_BYTES}`,
    );
  if (errorBytes > MAX_ERROR_BYTES)
    throw new WeirError('invalid_message', `an error of ${errorBytes} bytes; at most ${MAX_ERROR_BYTES}`);
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
