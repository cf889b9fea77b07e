import { defined, type Logger } from '@weir/base';
import type { JsonValue } from '@weir/event';
import type { Consumer } from './consumer.js';
import { invalid, notNow, type Refusal } from './greeting.js';
import { type Lease, leaseOf } from './lease.js';

/** What a consumer is to its subscription: the first, who runs preConsume; one more; or not let in. */
export type Entry =
  | { readonly is: 'first' | 'member' }
  | { readonly is: 'refused'; readonly refusal: Refusal };

/** What subscriptions stand on. */
export interface SubscriptionOptions {
  /** Keeps the leases as they are now. */
  readonly save: () => Promise<void>;
  /** Rejects when it failed. */
  readonly runCleanup: (lease: Lease, credential: string | undefined) => Promise<void>;
  readonly waitMs: number;
  readonly log: Logger;
  /** Its phase is another one. */
  readonly onChange: () => void;
}

// `by` in `cleaning`: a consumer, or nobody when a helper does it.
type Phase =
  | { readonly is: 'none' }
  | { readonly is: 'preparing'; readonly by: Consumer; isTold: boolean }
  | { readonly is: 'ready' }
  | { readonly is: 'cleaning'; readonly by: Consumer | undefined };

/**
 * One subscription upstream and its life: preConsume by the first consumer, and one cleanup after the last, by that
 * consumer or by a helper. Whoever comes while a hook runs waits for its end.
 */
export class Subscription {
  readonly #options: SubscriptionOptions;
  readonly #members = new Set<Consumer>();
  readonly #waiting = new Map<Consumer, (entry: Entry) => void>();
  #phase: Phase = { is: 'none' };
  #lease: Lease | undefined;
  /** Of the consumer that the lease was made for, or of the first that came back to it. */
  #credential: string | undefined;
  #returning: NodeJS.Timeout | undefined;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  /** What is to be kept of it. */
  get lease(): Lease | undefined {
    return this.#lease;
  }

  /** Whether a hook runs, or somebody is waited for. */
  get isBusy(): boolean {
    const { is } = this.#phase;
    return is === 'preparing' || is === 'cleaning' || this.#returning !== undefined || this.#waiting.size > 0;
  }

  /** Whether there is nothing to remember of it. */
  get isOver(): boolean {
    return this.#phase.is === 'none' && this.#lease === undefined && this.#waiting.size === 0;
  }

  /** Takes over the lease of an earlier bus. Its consumers have a while to come back; what was half done is undone. */
  restore(lease: Lease): void {
    this.#lease = lease;
    if (lease.pending || lease.failed !== undefined) {
      void this.#help();
      return;
    }
    this.#phase = { is: 'ready' };
    this.#returning = setTimeout(() => {
      this.#returning = undefined;
      void this.#help();
    }, this.#options.waitMs);
  }

  /** A consumer comes; it waits for hooks under way. */
  async enter(consumer: Consumer): Promise<Entry> {
    if (this.#phase.is === 'none') return this.#prepare(consumer);
    if (this.#phase.is === 'ready') return this.#join(consumer);
    return new Promise((resolve) => {
      const tooLate = setTimeout(() => {
        const hint = 'Try again in a while. "weir event status" shows who is there.';
        const what = this.#phase.is === 'cleaning' ? 'cleanup' : 'preConsume';
        this.#answer(consumer, refusedEntry(notNow(`The ${what} of another consumer still runs.`, hint)));
      }, this.#options.waitMs);
      this.#waiting.set(consumer, (entry) => {
        clearTimeout(tooLate);
        resolve(entry);
      });
    });
  }

  /** preConsume is done, and left this state. */
  async prepared(consumer: Consumer, state: JsonValue | undefined): Promise<void> {
    const phase = this.#phase;
    if (phase.is !== 'preparing' || phase.by !== consumer || this.#lease === undefined) return;
    const { pending: _, ...lease } = this.#lease;
    this.#lease = state === undefined ? lease : { ...lease, state };
    this.#members.add(consumer);
    this.#move({ is: 'ready' });
    for (const waiting of [...this.#waiting.keys()]) this.#answer(waiting, this.#join(waiting));
    await this.#save();
  }

  /** preConsume failed, for all who wait for it too: there is nothing to clean up. */
  async unprepared(consumer: Consumer, message: string): Promise<void> {
    if (this.#phase.is !== 'preparing' || this.#phase.by !== consumer) return;
    const failed: Refusal = {
      code: 'pre_consume_failed',
      message: `preConsume failed: ${message}`,
      hint: 'It failed for the consumer that came first. Try again once its reason is gone.',
    };
    for (const waiting of [...this.#waiting.keys()]) this.#answer(waiting, refusedEntry(failed));
    await this.#forget();
  }

  /** A consumer is about to leave: whether cleanup is its to run, and with what state. */
  check(consumer: Consumer): { readonly last: boolean; readonly state?: JsonValue } {
    const isMember = this.#members.delete(consumer);
    if (!isMember || this.#members.size > 0 || this.#phase.is !== 'ready') return { last: false };
    this.#move({ is: 'cleaning', by: consumer });
    const state = this.#lease?.state;
    return { last: true, ...defined({ state }) };
  }

  /** The last consumer has run cleanup; if that failed, a helper tries. */
  async cleaned(consumer: Consumer, error: string | undefined): Promise<void> {
    if (this.#phase.is !== 'cleaning' || this.#phase.by !== consumer) return;
    if (error === undefined) return this.#forget();
    this.#options.log.warn({ error, ...this.#facts }, 'cleanup failed, a helper tries');
    await this.#help();
  }

  /** A consumer is gone, whatever it said before. */
  async leave(consumer: Consumer): Promise<void> {
    this.#answer(consumer, refusedEntry(invalid('The connection is closed.', 'Connect again.')));
    const phase = this.#phase;
    if (phase.is === 'preparing' && phase.by === consumer) {
      // Unless it was told so, it has not begun.
      return phase.isTold ? this.#help() : this.#forget();
    }
    if (phase.is === 'cleaning' && phase.by === consumer) return this.#help();
    const wasLast = this.#members.delete(consumer) && this.#members.size === 0;
    if (wasLast && phase.is === 'ready') await this.#help();
  }

  /** Lets nobody wait any more. */
  refuseWaiting(refusal: Refusal): void {
    for (const waiting of [...this.#waiting.keys()]) this.#answer(waiting, refusedEntry(refusal));
  }

  /** Waits for nobody any more; the lease stays. */
  suspend(): void {
    clearTimeout(this.#returning);
    this.#returning = undefined;
  }

  #join(consumer: Consumer): Entry {
    this.suspend();
    this.#members.add(consumer);
    this.#credential ??= consumer.hello.credential;
    return { is: 'member' };
  }

  // The lease is kept before anything is made upstream, so that it is found whatever happens next.
  async #prepare(consumer: Consumer): Promise<Entry> {
    const phase = { is: 'preparing' as const, by: consumer, isTold: false };
    this.#move(phase);
    this.#lease = leaseOf(consumer.hello);
    this.#credential = consumer.hello.credential;
    try {
      await this.#options.save();
    } catch (error) {
      const why = `The lease cannot be kept: ${error instanceof Error ? error.message : String(error)}`;
      if (this.#phase === phase) await this.#forget();
      return refusedEntry(notNow(why, 'Make room on the disk, or the directory writable.'));
    }
    if (this.#phase !== phase) return refusedEntry(invalid('The connection is closed.', 'Connect again.'));
    phase.isTold = true;
    return { is: 'first' };
  }

  async #help(): Promise<void> {
    this.#move({ is: 'cleaning', by: undefined });
    const lease = this.#lease;
    if (lease === undefined) return this.#forget();
    try {
      await this.#options.runCleanup(lease, this.#credential);
      this.#options.log.info(this.#facts, 'cleanup done');
      await this.#forget();
    } catch (error) {
      const failed = error instanceof Error ? error.message : String(error);
      this.#options.log.error(
        {
          failed,
          ...this.#facts,
        },
        'cleanup failed, it is tried again when the bus starts',
      );
      this.#lease = { ...lease, failed };
      await this.#save();
      this.#vacate();
    }
  }

  async #forget(): Promise<void> {
    this.#move({ is: 'cleaning', by: undefined });
    this.#lease = undefined;
    await this.#save();
    this.#vacate();
  }

  // Of those who wait the first is the first of all, and the others wait for it.
  #vacate(): void {
    this.#move({ is: 'none' });
    const [next] = this.#waiting.keys();
    if (next !== undefined) void this.#prepare(next).then((entry) => this.#answer(next, entry));
  }

  #answer(consumer: Consumer, entry: Entry): void {
    const answer = this.#waiting.get(consumer);
    this.#waiting.delete(consumer);
    answer?.(entry);
  }

  #move(phase: Phase): void {
    this.#phase = phase;
    this.#options.onChange();
  }

  async #save(): Promise<void> {
    await this.#options.save().catch((error: unknown) => {
      this.#options.log.error({ error: String(error) }, 'leases were not kept');
    });
  }

  get #facts() {
    return { subscription_id: this.#lease?.subscription_id, event_key: this.#lease?.event_key };
  }
}

const refusedEntry = (refusal: Refusal): Entry => ({ is: 'refused', refusal });
