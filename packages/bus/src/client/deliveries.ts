import { setImmediate as nextTurn } from 'node:timers/promises';
import { deliveryKey } from '@weir/event/source';
import { Moment } from '../moment.js';
import type { Message } from '../protocol/index.js';
import { RecentKeys } from '../recent-keys.js';

/** Longest message: what comes together goes in several beyond that. */
const MAX_IDS = 1_000;
/** How long an event that failed waits for its next try, by the try that failed; the last holds for all further ones. */
const DELAYS_MS = [1_000, 5_000, 30_000, 120_000];
/** So many are told at once, however many more are handled in the same turn. */
const AT_ONCE = 50;

/** An answer is true for so long at the least; a machine that is always slower gets on all the same. */
const FRESH_MS = 500;
const MAX_TRIES = 5;

/** What is known of one delivery. */
interface Known {
  readonly id: string;
  /** It waits; it asks whether it may begin; it is handled; it was, and the source may not know. */
  state: 'waiting' | 'asking' | 'begun' | 'done' | 'failed';
  /** Told with `failed`. */
  delayMs: number;
  /** This bus was told of the outcome. */
  isTold: boolean;
  /** Says whether it may begin. */
  answer: (mayBegin: boolean) => void;
}

/**
 * The deliveries of a group that this consumer has, from one bus to the next. An event begins only when the bus says that
 * its lease lasts. Answers are kept until the source knows them, and what is done or under way never runs again.
 */
export class Deliveries {
  readonly #send: (message: Message) => boolean;
  readonly #known = new Map<string, Known>();
  /** What the source knows to be done. */
  readonly #done = new RecentKeys();
  readonly #asked: string[] = [];
  #toTell = 0;
  #isDue = false;
  #onSettled: (() => void) | undefined;

  /** @param send returns false while there is no bus. */
  constructor(send: (message: Message) => boolean) {
    this.#send = send;
  }

  /** Those that the next bus must know of: handled now, or without an answer of the source. */
  get holding(): string[] {
    return [...this.#known.values()]
      .filter(({ state }) => state !== 'waiting' && state !== 'asking')
      .map(({ id }) => id);
  }

  /** A delivery came; false when it is not to be handled, as it is known. */
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
    this.#known.set(key, { id, state: 'waiting', delayMs: 0, isTold: false, answer: () => {} });
    return true;
  }

  /** Asks whether a delivery may be handled now; false when another member may have it. */
  async begin(id: string, signal: AbortSignal): Promise<boolean> {
    const known = this.#known.get(deliveryKey(id));
    if (known?.id !== id || known.state !== 'waiting' || signal.aborted) return false;
    known.state = 'asking';
    let mayBegin = true;
    // An answer that was long on its way, as to a process that was stopped, may be true no more.
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

  /** It is done with. Now and then this waits for the message to be out: it comes again after a kill if it was not told. */
  async done(id: string): Promise<void> {
    this.#end(id, 'done', 0);
    if (this.#toTell < AT_ONCE) {
      this.#schedule();
      return;
    }
    this.flush();
    await nextTurn();
  }

  /**
   * It should come again: later with each try, so that a sink that is gone for a while does not use up all of them.
   *
   * @param attempt which try this was, from 1.
   */
  failed(id: string, attempt: number): void {
    this.#end(id, 'failed', DELAYS_MS[Math.min(attempt, DELAYS_MS.length) - 1] ?? 0);
    this.#schedule();
  }

  /** The bus says something of deliveries. */
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

  /** Says at once what became of those that this bus was not told of. */
  flush(): void {
    this.#isDue = false;
    this.#toTell = 0;
    const done: Known[] = [];
    const failed = new Map<number, Known[]>();
    for (const known of this.#known.values()) {
      if (known.isTold) continue;
      if (known.state === 'done') done.push(known);
      if (known.state === 'failed') {
        const some = failed.get(known.delayMs) ?? [];
        failed.set(known.delayMs, some);
        some.push(known);
      }
    }
    this.#tell(done, (ids) => ({ type: 'ack', of: 'deliveries', ids }));
    for (const [delay_ms, some] of failed)
      this.#tell(some, (ids) => ({ type: 'ack', of: 'failed_deliveries', ids, delay_ms }));
  }

  /** The bus is gone: what waits for it to begin comes again, and all outcomes are told to the next one. */
  left(): void {
    for (const known of [...this.#known.values()]) {
      known.isTold = false;
      if (known.state === 'asking') known.answer(false);
      if (known.state === 'waiting') this.#forget(known.id);
    }
  }

  /** Resolves once the source knows every outcome, or the signal aborts. */
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

  /** What is asked in the same turn goes in one message. */
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
    this.#known.set(key, { id, state, delayMs, isTold: false, answer: () => {} });
    this.#toTell += 1;
  }

  #forget(id: string): void {
    const key = deliveryKey(id);
    if (this.#known.get(key)?.id === id) this.#known.delete(key);
  }

  #tell(known: readonly Known[], message: (ids: string[]) => Message): void {
    for (let from = 0; from < known.length; from += MAX_IDS) {
      const some = known.slice(from, from + MAX_IDS);
      if (!this.#send(message(some.map(({ id }) => id)))) return;
      for (const one of some) one.isTold = true;
    }
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.flush());
  }
}
