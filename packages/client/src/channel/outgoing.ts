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

interface InFlight extends Sending {
  readonly sequence: number;
}

/** Messages on their way without an answer, and their bytes. */
const MAX_IN_FLIGHT = 256;
const MAX_IN_FLIGHT_BYTES = 8 * 1024 * 1024;
/** Messages that wait for their turn, and their bytes: whoever sends without waiting for answers finds an end here. */
const MAX_WAITING = 10_000;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** What is refused for now is not sent again sooner. */
const LEAST_PAUSE_MS = 10;
/** Longer than a timer can wait is for ever. */
const MAX_TIMER_MS = 2 ** 31;

/**
 * What is to be sent on a channel: in order, numbered, and again until it is answered. The same number with the same
 * content is stored once, so that sending again is safe.
 */
export class Outgoing {
  readonly #transmit: (header: AppendHeader, payload: Uint8Array) => void;
  readonly #waiting: Sending[] = [];
  /** In the order of their numbers. */
  readonly #inFlight: InFlight[] = [];
  #waitingBytes = 0;
  #inFlightBytes = 0;
  #next: number | null = null;
  #isOpen = false;
  #maxPayload = 0;
  /** Messages sent on this connection without an answer to each. */
  #unanswered = 0;
  /** Until when nothing is sent, as the server asked for it; null while there is no such time. */
  #heldUntil: number | null = null;
  #going: NodeJS.Timeout | null = null;
  #idle: (() => void)[] = [];

  constructor(transmit: (header: AppendHeader, payload: Uint8Array) => void) {
    this.#transmit = transmit;
  }

  /** @throws WeirError `buffer_full`, or what the server refuses it with */
  send(message: NewMessage): Promise<Appended> {
    const { payload } = message;
    if (this.#waiting.length >= MAX_WAITING || this.#waitingBytes + payload.length > MAX_WAITING_BYTES) {
      const hint = 'wait for what send() returns, now and then';
      return Promise.reject(
        new WeirError('buffer_full', `${this.#waiting.length} messages wait to be sent`, { hint }),
      );
    }
    const answer = new Promise<Appended>((resolve, reject) => {
      this.#waiting.push({ ...message, resolve, reject });
      this.#waitingBytes += payload.length;
      this.#pump();
    });
    // Who does not wait for it must not be ended by it either.
    answer.catch(() => {});
    return answer;
  }

  /**
   * There is a connection: all without an answer goes again.
   * @param last the sender's last number the server knows
   * @param maxPayload bytes of the largest payload: a larger one would end the connection, again and again
   */
  open(last: number | null, maxPayload: number): void {
    this.#maxPayload = maxPayload;
    this.#next ??= (last ?? 0) + 1;
    this.#isOpen = true;
    this.#sendAgain();
  }

  /** The connection is gone. */
  disconnect(): void {
    this.#isOpen = false;
    this.#unanswered = 0;
    this.#heldUntil = null;
    if (this.#going !== null) clearTimeout(this.#going);
    this.#going = null;
  }

  /** The server stored a message. */
  acknowledge(sequence: number, appended: Appended): void {
    this.#unanswered -= 1;
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
    } else {
      this.#take(sequence)?.reject(error);
    }
    this.#goOn();
  }

  /** Nothing more is sent: what has no answer fails. */
  fail(error: WeirError): void {
    this.disconnect();
    const left = [...this.#inFlight.splice(0), ...this.#waiting.splice(0)];
    this.#waitingBytes = 0;
    this.#inFlightBytes = 0;
    for (const { reject } of left) reject(error);
    this.#tellIdle();
  }

  /** Resolves once everything has been answered, or after so long. */
  async idle(withinMs: number): Promise<void> {
    if (this.#isIdle) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
      if (withinMs < MAX_TIMER_MS) timer = setTimeout(resolve, withinMs);
    });
    clearTimeout(timer);
  }

  get #isIdle(): boolean {
    return this.#waiting.length === 0 && this.#inFlight.length === 0;
  }

  #pump(): void {
    while (this.#isOpen && this.#heldUntil === null && this.#next !== null) {
      const [next] = this.#waiting;
      if (next === undefined) break;
      const isFull =
        this.#inFlight.length >= MAX_IN_FLIGHT ||
        (this.#inFlight.length > 0 && this.#inFlightBytes + next.payload.length > MAX_IN_FLIGHT_BYTES);
      if (isFull) break;
      this.#waiting.shift();
      this.#waitingBytes -= next.payload.length;
      if (next.payload.length > this.#maxPayload) {
        next.reject(tooLarge(next.payload.length, this.#maxPayload));
        continue;
      }
      const sending: InFlight = { ...next, sequence: this.#next };
      this.#next += 1;
      this.#inFlight.push(sending);
      this.#inFlightBytes += next.payload.length;
      this.#put(sending);
    }
    if (this.#isIdle) this.#tellIdle();
  }

  #goOn(): void {
    if (this.#heldUntil === null) {
      this.#pump();
    } else if (this.#unanswered <= 0 && this.#going === null) {
      this.#going = setTimeout(() => {
        this.#going = null;
        this.#heldUntil = null;
        this.#sendAgain();
      }, this.#heldUntil - performance.now());
    }
  }

  #sendAgain(): void {
    for (const sending of this.#inFlight) this.#put(sending);
    this.#pump();
  }

  #put({ sequence, type, content_type, in_reply_to, error, payload }: InFlight): void {
    this.#unanswered += 1;
    this.#transmit({ sequence, type, content_type, in_reply_to, error }, payload);
  }

  #take(sequence: number): InFlight | undefined {
    const place = this.#inFlight.findIndex((sending) => sending.sequence === sequence);
    if (place < 0) return undefined;
    const [taken] = this.#inFlight.splice(place, 1);
    this.#inFlightBytes -= taken?.payload.length ?? 0;
    return taken;
  }

  #tellIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function tooLarge(bytes: number, limit: number): WeirError {
  const hint = 'send it in several messages';
  return new WeirError('message_too_large', `a payload of ${bytes} bytes; at most ${limit}`, { hint });
}
