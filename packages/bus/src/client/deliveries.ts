import { setImmediate as nextTurn } from 'node:timers/promises';
import { deliveryKey } from '@weir/event/source';
import { Moment } from '../moment.js';
import type { Message } from '../protocol/index.js';
import { RecentKeys } from '../recent-keys.js';

/** Maximum number of ids in one message; more ids are sent in several messages. */
const MAX_IDS = 1_000;
/** Delay before the redelivery of a failed event, by attempt; the last value applies to all later attempts. */
const DELAYS_MS = [1_000, 5_000, 30_000, 120_000];
/** After this many unsent outcomes, send them at once instead of at the end of the event-loop turn. */
const AT_ONCE = 50;

/** Maximum age of a permission to begin. A process that was suspended in between asks again, at most MAX_TRIES times. */
const FRESH_MS = 500;
const MAX_TRIES = 5;

/** State of one delivery in this consumer. */
interface Known {
  readonly id: string;
  /**
   * `waiting`: received. `asking`: asked the bus for permission to begin. `begun`: the sink handles it. `done`,
   * `failed`: handled, but the source may not have stored the outcome.
   */
  state: 'waiting' | 'asking' | 'begun' | 'done' | 'failed';
  /** Redelivery delay, sent with `failed`. */
  delayMs: number;
  /** True if the outcome was sent to the current bus. */
  isSent: boolean;
  /** Resolves the pending request for permission to begin. */
  answer: (mayBegin: boolean) => void;
}

/**
 * The group deliveries of this consumer, which outlive a single bus. The sink begins an event only after the bus
 * confirms that the lease is valid. Outcomes are kept until the source has stored them, and an event that is done or in
 * progress never runs twice.
 */
export class Deliveries {
  readonly #send: (message: Message) => boolean;
  readonly #known = new Map<string, Known>();
  /** Keys of events that are done and stored as such by the source. */
  readonly #done = new RecentKeys();
  readonly #asked: string[] = [];
  #unsent = 0;
  #isDue = false;
  #onSettled: (() => void) | undefined;

  /** @param send returns false while no bus is connected. */
  constructor(send: (message: Message) => boolean) {
    this.#send = send;
  }

  /** Deliveries that the next bus must know: in progress, or with an outcome that the source has not confirmed. */
  get holding(): string[] {
    return [...this.#known.values()]
      .filter(({ state }) => state !== 'waiting' && state !== 'asking')
      .map(({ id }) => id);
  }

  /** Registers a delivery; returns false if the event is already known and must not be handled again. */
  add(id: string): boolean {
    const key = deliveryKey(id);
    const known = this.#known.get(key);
    if (this.#done.has(key) || known?.state === 'done') {
      this.#send({ type: 'ack', of: 'deliveries', ids: [id] });
      return false;
    }
    if (known?.state === 'begun') {
      this.#ask(id);
      return false;
    }
    known?.answer(false);
    this.#known.set(key, { id, state: 'waiting', delayMs: 0, isSent: false, answer: () => {} });
    return true;
  }

  /** Asks the bus whether the sink may handle a delivery now; false if another member may have the event. */
  async begin(id: string, signal: AbortSignal): Promise<boolean> {
    const known = this.#known.get(deliveryKey(id));
    if (known?.id !== id || known.state !== 'waiting' || signal.aborted) return false;
    known.state = 'asking';
    let mayBegin = true;
    // The permission is stale if the process was suspended, such as by SIGSTOP, after it asked.
    for (let tries = 0, isFresh = false; mayBegin && !isFresh && tries < MAX_TRIES; tries += 1) {
      const asked = new Moment();
      mayBegin = await this.#answered(known, signal);
      isFresh = asked.ageMs < FRESH_MS;
    }
    if (mayBegin) known.state = 'begun';
    else this.#forget(id);
    return mayBegin;
  }

  async #answered(known: Known, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    const answered = new Promise<boolean>((resolve) => {
      known.answer = resolve;
    });
    const giveUp = () => known.answer(false);
    signal.addEventListener('abort', giveUp, { once: true });
    this.#ask(known.id);
    const mayBegin = await answered;
    signal.removeEventListener('abort', giveUp);
    return mayBegin;
  }

  /**
   * Marks a delivery as done. Every {@link AT_ONCE} outcomes it sends them and waits for the socket, so that a kill
   * causes few redeliveries.
   */
  async done(id: string): Promise<void> {
    this.#end(id, 'done', 0);
    if (this.#unsent < AT_ONCE) {
      this.#schedule();
      return;
    }
    this.flush();
    await nextTurn();
  }

  /**
   * Marks a delivery as failed and requests redelivery. The delay grows with the attempts, so that a short outage of
   * the sink does not use up all of them.
   *
   * @param attempt number of the failed attempt, starting at 1.
   */
  failed(id: string, attempt: number): void {
    this.#end(id, 'failed', DELAYS_MS[Math.min(attempt, DELAYS_MS.length) - 1] ?? 0);
    this.#schedule();
  }

  /** Handles a reply of the bus. */
  take(of: 'begun' | 'lost' | 'settled', ids: readonly string[]): void {
    for (const id of ids) {
      const key = deliveryKey(id);
      const known = this.#known.get(key);
      if (of !== 'settled') known?.answer(of === 'begun');
      else if (known?.state === 'done' || known?.state === 'failed') {
        if (known.state === 'done') this.#done.add(key);
        this.#known.delete(key);
      }
    }
    this.#onSettled?.();
  }

  /** Sends all outcomes that the current bus has not received. */
  flush(): void {
    this.#isDue = false;
    this.#unsent = 0;
    const done: Known[] = [];
    const failed = new Map<number, Known[]>();
    for (const known of this.#known.values()) {
      if (known.isSent) continue;
      if (known.state === 'done') done.push(known);
      if (known.state === 'failed') {
        const some = failed.get(known.delayMs) ?? [];
        failed.set(known.delayMs, some);
        some.push(known);
      }
    }
    this.#sendOutcomes(done, (ids) => ({ type: 'ack', of: 'deliveries', ids }));
    for (const [delay_ms, some] of failed)
      this.#sendOutcomes(some, (ids) => ({ type: 'ack', of: 'failed_deliveries', ids, delay_ms }));
  }

  /**
   * Handles the loss of the bus: drops deliveries that have not begun, since the source redelivers them, and marks all
   * outcomes as unsent.
   */
  left(): void {
    for (const known of [...this.#known.values()]) {
      known.isSent = false;
      if (known.state === 'asking') known.answer(false);
      if (known.state === 'waiting') this.#forget(known.id);
    }
  }

  /** Resolves once the source has stored every outcome, or the signal aborts. */
  async settled(signal: AbortSignal): Promise<void> {
    const isSettled = () =>
      ![...this.#known.values()].some(({ state }) => state === 'done' || state === 'failed');
    while (!isSettled() && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#onSettled = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  /** Asks for permission to begin; requests of one turn share a message. */
  #ask(id: string): void {
    this.#asked.push(id);
    if (this.#asked.length > 1) return;
    queueMicrotask(() => {
      const ids = this.#asked.splice(0);
      if (this.#send({ type: 'ack', of: 'begin', ids })) return;
      for (const one of ids) this.#known.get(deliveryKey(one))?.answer(false);
    });
  }

  #end(id: string, state: 'done' | 'failed', delayMs: number): void {
    const key = deliveryKey(id);
    this.#known.set(key, { id, state, delayMs, isSent: false, answer: () => {} });
    this.#unsent += 1;
  }

  #forget(id: string): void {
    const key = deliveryKey(id);
    if (this.#known.get(key)?.id === id) this.#known.delete(key);
  }

  #sendOutcomes(known: readonly Known[], message: (ids: string[]) => Message): void {
    for (let from = 0; from < known.length; from += MAX_IDS) {
      const some = known.slice(from, from + MAX_IDS);
      if (!this.#send(message(some.map(({ id }) => id)))) return;
      for (const one of some) one.isSent = true;
    }
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.flush());
  }
}
