import { pause } from '@weir/base';
import type { BusOptions } from './bus-options.js';
import type { Consumer } from './consumer.js';
import type { Refusal } from './greeting.js';
import type { Lease } from './lease.js';
import { LeaseFile } from './lease-file.js';
import { Subscription, type SubscriptionOptions } from './subscription.js';

/** Options of {@link Leases}. */
export interface LeasesOptions extends Omit<SubscriptionOptions, 'save' | 'runCleanup'> {
  readonly runCleanup: BusOptions['runCleanup'];
}

/** The subscriptions of a bus and their lease file. */
export class Leases {
  readonly #file: LeaseFile;
  readonly #options: SubscriptionOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #onQuiet = new Set<() => void>();
  readonly #suspension = new AbortController();
  readonly #helpers = new Set<Promise<unknown>>();

  constructor(path: string, options: LeasesOptions) {
    this.#file = new LeaseFile(path);
    this.#options = {
      ...options,
      runCleanup: (lease, credential) => this.#watched(options.runCleanup, lease, credential),
      save: () => this.#save(),
      onChange: () => {
        for (const [id, { isOver }] of this.#subscriptions) if (isOver) this.#subscriptions.delete(id);
        options.onChange();
        if (!this.isBusy) for (const resolve of this.#onQuiet) resolve();
      },
    };
  }

  /** Restores the leases of an earlier bus. Throws if the file is invalid. */
  async start(): Promise<void> {
    for (const lease of await this.#file.read()) this.#of(lease.subscription_id).restore(lease);
  }

  /** The subscription that a consumer belongs to. */
  of(consumer: Consumer): Subscription {
    return this.#of(consumer.hello.subscription_id);
  }

  /** Handles the disconnect of a consumer. */
  leave(consumer: Consumer): void {
    if (!this.#isSuspended) void this.of(consumer).leave(consumer);
  }

  /** True while a hook runs or a subscription waits for consumers. */
  get isBusy(): boolean {
    return [...this.#subscriptions.values()].some((subscription) => subscription.isBusy);
  }

  /** Resolves once no subscription is busy, or after `ms`. */
  async quiet(ms: number): Promise<void> {
    if (!this.isBusy) return;
    const timer = new AbortController();
    let quiet = () => {};
    const isQuiet = new Promise<void>((resolve) => {
      quiet = resolve;
      this.#onQuiet.add(resolve);
    });
    await Promise.race([isQuiet, pause(ms, timer.signal)]);
    timer.abort();
    this.#onQuiet.delete(quiet);
  }

  /** Refuses all waiting consumers, and stops waiting for consumers to reconnect. */
  refuseWaiting(refusal: Refusal): void {
    for (const subscription of this.#subscriptions.values()) {
      subscription.suspend();
      subscription.refuseWaiting(refusal);
    }
  }

  /**
   * Freezes the leases for the next bus. Consumers that disconnect from now on will join that bus, and helpers are
   * killed because it runs their cleanups again.
   */
  suspend(): void {
    this.#suspension.abort();
  }

  /** Resolves once no helper runs. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#helpers);
  }

  /** Resolves once no write is in progress. */
  async written(): Promise<void> {
    await this.#file.written();
  }

  get #isSuspended(): boolean {
    return this.#suspension.signal.aborted;
  }

  async #save(): Promise<void> {
    if (this.#isSuspended) throw new Error('This bus is stopping; the next bus owns the leases.');
    await this.#file.write(this.#kept);
  }

  async #watched(
    runCleanup: BusOptions['runCleanup'],
    lease: Lease,
    credential: string | undefined,
  ): Promise<void> {
    const run = runCleanup(lease, credential, this.#suspension.signal);
    this.#helpers.add(run);
    try {
      await run;
    } finally {
      this.#helpers.delete(run);
    }
  }

  get #kept(): readonly Lease[] {
    const leases: Lease[] = [];
    for (const { lease } of this.#subscriptions.values()) if (lease !== undefined) leases.push(lease);
    return leases;
  }

  #of(id: string): Subscription {
    const known = this.#subscriptions.get(id);
    if (known !== undefined) return known;
    const made = new Subscription(this.#options);
    this.#subscriptions.set(id, made);
    return made;
  }
}
