import { defined, type Logger } from '@weir/base';
import type { JsonValue } from '@weir/event';
import type { Consumer } from './consumer.js';
import { invalid, notNow, type Refusal } from './greeting.js';
import { type Lease, leaseOf } from './lease.js';

/** Result of joining a subscription. `first`: this consumer must run preConsume. `member`: preConsume has already run. */
export type Entry =
  | { readonly is: 'first' | 'member' }
  | { readonly is: 'refused'; readonly refusal: Refusal };

/** Options of a {@link Subscription}. */
export interface SubscriptionOptions {
  /** Persists the current leases. */
  readonly save: () => Promise<void>;
  /** Rejects if cleanup fails. */
  readonly runCleanup: (lease: Lease, credential: string | undefined) => Promise<void>;
  readonly waitMs: number;
  readonly log: Logger;
  /** Called after each change of phase. */
  readonly onChange: () => void;
}

// `by` in `cleaning`: the consumer that runs cleanup, or undefined if a helper process does.
type Phase =
  | { readonly is: 'none' }
  | { readonly is: 'preparing'; readonly by: Consumer; isAsked: boolean }
  | { readonly is: 'ready' }
  | { readonly is: 'cleaning'; readonly by: Consumer | undefined };

/**
 * The life of one upstream subscription. The first consumer runs preConsume. After the last consumer leaves, cleanup
 * runs once, in that consumer or in a helper. Consumers that arrive while a hook runs wait until it ends.
 */
export class Subscription {
  readonly #options: SubscriptionOptions;
  readonly #members = new Set<Consumer>();
  readonly #waiting = new Map<Consumer, (entry: Entry) => void>();
  #phase: Phase = { is: 'none' };
  #lease: Lease | undefined;
  /** Credential of the consumer that created the lease, or of the first one that rejoined after a restart. */
  #credential: string | undefined;
  #returning: NodeJS.Timeout | undefined;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  /** The lease to persist. */
  get lease(): Lease | undefined {
    return this.#lease;
  }

  /** True while a hook runs, a consumer waits, or consumers may still reconnect after a restart. */
  get isBusy(): boolean {
    const { is } = this.#phase;
    return is === 'preparing' || is === 'cleaning' || this.#returning !== undefined || this.#waiting.size > 0;
  }

  /** True if the subscription has no state left and can be deleted. */
  get isOver(): boolean {
    return this.#phase.is === 'none' && this.#lease === undefined && this.#waiting.size === 0;
  }

  /**
   * Restores the lease of an earlier bus. Its consumers have `waitMs` to reconnect. If a hook was interrupted, cleanup
   * runs immediately.
   */
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

  /** Adds a consumer; waits for running hooks. */
  async enter(consumer: Consumer): Promise<Entry> {
    if (this.#phase.is === 'none') return this.#prepare(consumer);
    if (this.#phase.is === 'ready') return this.#join(consumer);
    return new Promise((resolve) => {
      const tooLate = setTimeout(() => {
        const hint = 'Retry later. "weir event status" lists the consumers.';
        const what = this.#phase.is === 'cleaning' ? 'cleanup' : 'preConsume';
        this.#answer(consumer, refusedEntry(notNow(`The ${what} of another consumer still runs.`, hint)));
      }, this.#options.waitMs);
      this.#waiting.set(consumer, (entry) => {
        clearTimeout(tooLate);
        resolve(entry);
      });
    });
  }

  /** preConsume succeeded with this state. */
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

  /** preConsume failed. All waiting consumers get the error; there is nothing to clean up. */
  async unprepared(consumer: Consumer, message: string): Promise<void> {
    if (this.#phase.is !== 'preparing' || this.#phase.by !== consumer) return;
    const failed: Refusal = {
      code: 'pre_consume_failed',
      message: `preConsume failed: ${message}`,
      hint: 'It failed for the first consumer of this subscription. Fix the cause, then retry.',
    };
    for (const waiting of [...this.#waiting.keys()]) this.#answer(waiting, refusedEntry(failed));
    await this.#forget();
  }

  /** A consumer is about to leave. Returns whether it must run cleanup, and the state for it. */
  check(consumer: Consumer): { readonly last: boolean; readonly state?: JsonValue } {
    const isMember = this.#members.delete(consumer);
    if (!isMember || this.#members.size > 0 || this.#phase.is !== 'ready') return { last: false };
    this.#move({ is: 'cleaning', by: consumer });
    const state = this.#lease?.state;
    return { last: true, ...defined({ state }) };
  }

  /** The last consumer has run cleanup. If that failed, a helper retries. */
  async cleaned(consumer: Consumer, error: string | undefined): Promise<void> {
    if (this.#phase.is !== 'cleaning' || this.#phase.by !== consumer) return;
    if (error === undefined) return this.#forget();
    this.#options.log.warn({ error, ...this.#facts }, 'cleanup failed, a helper tries');
    await this.#help();
  }

  /** Handles a disconnect in any phase. */
  async leave(consumer: Consumer): Promise<void> {
    this.#answer(consumer, refusedEntry(invalid('The connection is closed.', 'Connect again.')));
    const phase = this.#phase;
    if (phase.is === 'preparing' && phase.by === consumer) {
      // If the consumer was never asked to run preConsume, nothing needs cleanup.
      return phase.isAsked ? this.#help() : this.#forget();
    }
    if (phase.is === 'cleaning' && phase.by === consumer) return this.#help();
    const wasLast = this.#members.delete(consumer) && this.#members.size === 0;
    if (wasLast && phase.is === 'ready') await this.#help();
  }

  /** Refuses all waiting consumers. */
  refuseWaiting(refusal: Refusal): void {
    for (const waiting of [...this.#waiting.keys()]) this.#answer(waiting, refusedEntry(refusal));
  }

  /** Stops waiting for consumers to reconnect; keeps the lease. */
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

  // Persist the lease before preConsume creates anything upstream, so that a crash cannot leave an unknown subscription.
  async #prepare(consumer: Consumer): Promise<Entry> {
    const phase = { is: 'preparing' as const, by: consumer, isAsked: false };
    this.#move(phase);
    this.#lease = leaseOf(consumer.hello);
    this.#credential = consumer.hello.credential;
    try {
      await this.#options.save();
    } catch (error) {
      const why = `The lease cannot be kept: ${error instanceof Error ? error.message : String(error)}`;
      if (this.#phase === phase) await this.#forget();
      return refusedEntry(notNow(why, 'Free disk space, or make the directory writable.'));
    }
    if (this.#phase !== phase) return refusedEntry(invalid('The connection is closed.', 'Connect again.'));
    phase.isAsked = true;
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
        'cleanup failed; the next start of the bus retries it',
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

  // The first waiter runs preConsume; the others await its result.
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
