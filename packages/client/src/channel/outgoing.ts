import { WeirError } from '../weir-error.js';
import type { AppendHeader } from './frames.js';

/** Where a message went. */
export interface Appended {
  readonly index: number;
  readonly timestamp: Date;
}

/** A message to be sent, without its number. */
export type NewMessage = Omit<AppendHeader, 'sequence'> & { readonly payload: Uint8Array };

interface Sending extends NewMessage {
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: WeirError) => void;
}

interface Numbered extends Sending {
  readonly sequence: number;
}

/** Messages on their way without an answer, and their bytes. */
const MAX_IN_FLIGHT = 256;
const MAX_IN_FLIGHT_BYTES = 8 * 1024 * 1024;
/** Messages that are not sent yet, and their bytes: the bound for a caller that sends without awaiting answers. */
const MAX_WAITING = 10_000;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** The shortest wait before a message is sent again that was refused for now. */
const LEAST_PAUSE_MS = 10;
/** A timer takes no longer wait; a longer one is treated as no limit. */
const MAX_TIMER_MS = 2 ** 31;
/**
 * A sender begins at a random distance, at most this one, above its last number. Otherwise two programs that use one sender by
 * mistake would take the same numbers, and the server would store two messages as one; with it, one program gets an error.
 */
const MAX_GAP = 65_536;
/** The same for programs that share a sender on purpose: their numbers must not collide by chance. */
const MAX_SHARED_GAP = 2 ** 24;
/** The server refused the number because another program used it or a higher one: the message is not stored. */
const NOT_STORED: ReadonlySet<string> = new Set(['sequence_out_of_order', 'sequence_conflict']);

/**
 * The messages to send on a channel: it numbers them, sends them in order, and repeats them until the server answers. The
 * server stores the same number with the same content once, so that a repeated message is safe.
 */
export class Outgoing {
  readonly #isShared: boolean;
  readonly #transmit: (header: AppendHeader, payload: Uint8Array) => void;
  readonly #waiting: Sending[] = [];
  #waitingBytes = 0;
  /** Messages without an answer, in the order of their numbers; the first `#sent` were sent on this connection. */
  readonly #numbered: Numbered[] = [];
  #numberedBytes = 0;
  #sent = 0;
  /** Frames of this connection without an answer, and their bound. */
  #unanswered = 0;
  #window: number;
  /** Numbers refused in a row. */
  #collisions = 0;
  #next: number | null = null;
  #isOpen = false;
  #maxPayload = 0;
  /** Nothing is sent before this time, as the server asked; null for no such time. */
  #heldUntil: number | null = null;
  #going: NodeJS.Timeout | null = null;
  #whenIdle: (() => void)[] = [];

  /**
   * @param isShared whether other programs use the same sender: a message whose number another program passed gets a new one.
   * Then one message is sent at a time, because the server could store later ones before it.
   */
  constructor(transmit: (header: AppendHeader, payload: Uint8Array) => void, isShared = false) {
    this.#isShared = isShared;
    this.#window = this.#most;
    this.#transmit = transmit;
  }

  get #most(): number {
    return this.#isShared ? 1 : MAX_IN_FLIGHT;
  }

  /** Whether everything has been answered. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#numbered.length === 0;
  }

  /** @throws WeirError `buffer_full`, or what the server refuses it with */
  send(message: NewMessage): Promise<Appended> {
    const bytes = message.payload.length;
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= MAX_WAITING || this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
        const hint = 'wait for what send() returns, now and then';
        reject(new WeirError('buffer_full', `${this.#waiting.length} messages wait to be sent`, { hint }));
        return;
      }
      this.#waiting.push({ ...message, resolve, reject });
      this.#waitingBytes += bytes;
      this.#pump();
    });
  }

  /**
   * There is a connection: all without an answer goes again.
   * @param last the sender's last number the server knows
   * @param maxPayload bytes of the largest payload: a larger one would end the connection, again and again
   */
  open(last: number | null, maxPayload: number): void {
    this.#maxPayload = maxPayload;
    this.#next ??= (last ?? 0) + 1 + this.#gap();
    this.#isOpen = true;
    this.#window = this.#most;
    this.#pump();
  }

  /** The connection is gone. */
  disconnect(): void {
    this.#isOpen = false;
    this.#sent = 0;
    this.#unanswered = 0;
    this.#heldUntil = null;
    if (this.#going !== null) clearTimeout(this.#going);
    this.#going = null;
  }

  /** The server stored a message. */
  acknowledge(sequence: number, appended: Appended): void {
    this.#unanswered -= 1;
    this.#window = Math.min(this.#most, this.#window + 1);
    this.#collisions = 0;
    this.#take(sequence)?.resolve(appended);
    this.#goOn();
  }

  /**
   * The server refused a message. One that was refused for now is sent again with all behind it, which were refused because
   * of it; not before each has its answer, or some would be there in two copies.
   */
  refuse(sequence: number, error: WeirError): void {
    this.#unanswered -= 1;
    if (error.retryable || error.code === 'earlier_refused') {
      const until = performance.now() + Math.max(LEAST_PAUSE_MS, error.retryAfterMs ?? 0);
      this.#heldUntil = Math.max(this.#heldUntil ?? 0, until);
    } else if (this.#isShared && NOT_STORED.has(error.code)) {
      this.#renumber(sequence);
    } else {
      this.#take(sequence)?.reject(error);
    }
    this.#goOn();
  }

  /** Nothing more is sent: what has no answer fails. */
  fail(error: WeirError): void {
    this.disconnect();
    const left = [...this.#numbered.splice(0), ...this.#waiting.splice(0)];
    this.#waitingBytes = 0;
    this.#numberedBytes = 0;
    for (const { reject } of left) reject(error);
    this.#tellIdle();
  }

  /** Resolves once everything has been answered, or after so long. */
  async idle(withinMs: number): Promise<void> {
    if (this.isIdle) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#whenIdle.push(resolve);
      if (withinMs < MAX_TIMER_MS) timer = setTimeout(resolve, withinMs);
    });
    clearTimeout(timer);
  }

  #pump(): void {
    while (this.#isOpen && this.#heldUntil === null && this.#unanswered < this.#window) {
      const again = this.#numbered[this.#sent];
      const sending = again ?? this.#number();
      if (sending === undefined) break;
      this.#sent += 1;
      this.#unanswered += 1;
      const { sequence, type, content_type, in_reply_to, error, payload } = sending;
      this.#transmit({ sequence, type, content_type, in_reply_to, error }, payload);
    }
    if (this.isIdle) this.#tellIdle();
  }

  /** Gives the next message its number, once there is room for it on its way. */
  #number(): Numbered | undefined {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || this.#next === null) return undefined;
      const bytes = next.payload.length;
      const isFull = this.#numbered.length > 0 && this.#numberedBytes + bytes > MAX_IN_FLIGHT_BYTES;
      if (isFull) return undefined;
      this.#waiting.shift();
      this.#waitingBytes -= bytes;
      if (bytes > this.#maxPayload) {
        next.reject(tooLarge(bytes, this.#maxPayload));
        continue;
      }
      const numbered = { ...next, sequence: this.#next };
      this.#next += 1;
      this.#numbered.push(numbered);
      this.#numberedBytes += bytes;
      return numbered;
    }
  }

  /** Another program used a higher number. The server does not report which: each collision takes a wider step. */
  #renumber(sequence: number): void {
    const place = this.#numbered.findIndex((sending) => sending.sequence === sequence);
    const refused = this.#numbered[place];
    if (refused === undefined) return;
    this.#collisions += 1;
    const next = (this.#next ?? 0) + this.#gap() * this.#collisions;
    this.#numbered[place] = { ...refused, sequence: next };
    this.#next = next + 1;
    this.#sent = Math.min(this.#sent, place);
  }

  #gap(): number {
    return Math.floor(Math.random() * (this.#isShared ? MAX_SHARED_GAP : MAX_GAP));
  }

  #goOn(): void {
    if (this.#heldUntil === null) {
      this.#pump();
    } else if (this.#unanswered <= 0 && this.#going === null) {
      this.#going = setTimeout(() => {
        this.#going = null;
        this.#heldUntil = null;
        this.#sent = 0;
        // The server would refuse most of them again: grow the window with each accepted message.
        this.#window = 1;
        this.#pump();
      }, this.#heldUntil - performance.now());
    }
  }

  #take(sequence: number): Numbered | undefined {
    const place = this.#numbered.findIndex((sending) => sending.sequence === sequence);
    if (place < 0) return undefined;
    const [taken] = this.#numbered.splice(place, 1);
    this.#numberedBytes -= taken?.payload.length ?? 0;
    if (place < this.#sent) this.#sent -= 1;
    return taken;
  }

  #tellIdle(): void {
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}

function tooLarge(bytes: number, limit: number): WeirError {
  const hint = 'send it in several messages';
  return new WeirError('message_too_large', `a payload of ${bytes} bytes; at most ${limit}`, { hint });
}
