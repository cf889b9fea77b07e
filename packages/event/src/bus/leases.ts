import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer } from './consumer.js';
import type { Refusal } from './greeting.js';
import type { Lease } from './lease.js';
import { LeaseFile } from './lease-file.js';
import { Subscription, type SubscriptionOptions } from './subscription.js';

/** The subscriptions of a bus, and the file that outlives it. */
export class Leases {
  readonly #file: LeaseFile;
  readonly #options: SubscriptionOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #onQuiet = new Set<() => void>();
  #isSuspended = false;

  constructor(path: string, options: Omit<SubscriptionOptions, 'save'>) {
    this.#file = new LeaseFile(path);
    this.#options = {
      ...options,
      save: () => this.#file.write(this.#kept),
      onChange: () => {
        for (const [id, { isOver }] of this.#subscriptions) if (isOver) this.#subscriptions.delete(id);
        options.onChange();
        if (!this.isBusy) for (const resolve of this.#onQuiet) resolve();
      },
    };
  }

  /** Takes over what an earlier bus left. Throws when that cannot be read. */
  async start(): Promise<void> {
    for (const lease of await this.#file.read()) this.#of(lease.subscription_id).restore(lease);
  }

  /** The subscription of a consumer. */
  of(consumer: Consumer): Subscription {
    return this.#of(consumer.hello.subscription_id);
  }

  /** A consumer is gone. */
  leave(consumer: Consumer): void {
    if (!this.#isSuspended) void this.of(consumer).leave(consumer);
  }

  /** Whether hooks run, or somebody is waited for. */
  get isBusy(): boolean {
    return [...this.#subscriptions.values()].some((subscription) => subscription.isBusy);
  }

  /** Resolves once no hooks run, or after so many milliseconds. */
  async quiet(ms: number): Promise<void> {
    if (!this.isBusy) return;
    const timer = new AbortController();
    let quiet = () => {};
    const isQuiet = new Promise<void>((resolve) => {
      quiet = resolve;
      this.#onQuiet.add(resolve);
    });
    await Promise.race([isQuiet, sleep(ms, undefined, { signal: timer.signal }).catch(() => {})]);
    timer.abort();
    this.#onQuiet.delete(quiet);
  }

  /** Waits for nobody to come back, and lets nobody wait. */
  refuseWaiting(refusal: Refusal): void {
    for (const subscription of this.#subscriptions.values()) {
      subscription.suspend();
      subscription.refuseWaiting(refusal);
    }
  }

  /** From here on the leases stay as they are: consumers that go now come back to another bus. */
  suspend(): void {
    this.#isSuspended = true;
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
