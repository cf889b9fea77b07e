import { Backoff, pause } from '@weir/base';
import { WeirError } from '../weir-error.js';
import type { Delivery, Group } from './group.js';

/** Handles an item. The item is done when the promise resolves, and comes again when it rejects. */
export type GroupHandler<Item> = (delivery: Delivery<Item>) => Promise<unknown> | unknown;

/** How a member works. */
export interface ConsumeOptions {
  /** Items at once, of different persons; default 1. */
  readonly concurrency?: number;
  /** Items that the member takes at once, 1 to 1,000; default 100. */
  readonly max?: number;
  /** The wait before an item comes again whose handler threw, milliseconds: doubled with each try; default 1,000. */
  readonly retryDelayMs?: number;
  /**
   * Reports what goes wrong: a handler that threw, a server that is away, items that are lost (`cursor_expired`). Default:
   * it is written to standard error.
   */
  readonly onError?: (error: unknown, delivery?: Delivery<unknown>) => void;
  /** Closes the consumer. */
  readonly signal?: AbortSignal;
}

/** How long a pull waits for the first item. */
const WAIT_MS = 20_000;
/** The longest wait before an item comes again. */
const MAX_DELAY_MS = 60_000;
/** Ids of one request. */
const MAX_IDS = 1_000;

/** A member of a group, which handles items until it is closed. Made by {@link Group.consume}. */
export class GroupConsumer<Item> {
  readonly #group: Group;
  readonly #handler: GroupHandler<Item>;
  readonly #concurrency: number;
  readonly #max: number;
  readonly #retryDelayMs: number;
  readonly #onError: NonNullable<ConsumeOptions['onError']>;
  readonly #member = crypto.randomUUID();
  readonly #closing = new AbortController();
  /**
   * Resolves once it is closed and what it had is settled; rejects with a WeirError that no later try can cure, such as
   * `group_not_found` or `unauthorized`.
   */
  readonly closed: Promise<void>;

  constructor(group: Group, handler: GroupHandler<Item>, options: ConsumeOptions) {
    const { concurrency = 1, max = 100, retryDelayMs = 1_000, signal } = options;
    this.#group = group;
    this.#handler = handler;
    this.#concurrency = concurrency;
    this.#max = max;
    this.#retryDelayMs = retryDelayMs;
    this.#onError = options.onError ?? ((error) => console.error(`weir group ${group.name}:`, error));
    const close = (): void => this.#closing.abort();
    if (signal?.aborted) close();
    signal?.addEventListener('abort', close);
    this.closed = this.#run().finally(() => signal?.removeEventListener('abort', close));
    // A program that does not wait for it must not end because of it.
    this.closed.catch(() => {});
  }

  /** Takes no more items; returns those that were not begun, and resolves when the others are settled. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.closed.catch(() => {});
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new Backoff({ firstMs: 250, longestMs: 15_000 });
    let isFailing = false;
    while (!signal.aborted) {
      try {
        const pulled = await this.#group.pull<Item>({
          max: this.#max,
          waitMs: WAIT_MS,
          member: this.#member,
          holding: [],
          signal,
        });
        backoff.reset();
        isFailing = false;
        await this.#handleAll(pulled.deliveries, pulled.leaseMs);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof WeirError)) throw error;
        const isGap = error.code === 'cursor_expired';
        if (!error.retryable && !isGap) {
          this.#report(error);
          throw error;
        }
        // Once for an outage: it is tried again every few seconds.
        if (!isFailing || isGap) this.#report(error);
        isFailing = true;
        if (!isGap) await pause(backoff.next(error.retryAfterMs), signal);
      }
    }
  }

  /** Handles what one pull brought; resolves when each item is done or returned. */
  async #handleAll(deliveries: readonly Delivery<Item>[], leaseMs: number): Promise<void> {
    const settling = new Settling(this.#group, this.#member, deliveries, leaseMs);
    const lanes = lanesOf(deliveries);
    const work = async (): Promise<void> => {
      for (let lane = lanes.shift(); lane !== undefined; lane = lanes.shift()) {
        await this.#handleLane(lane, settling);
      }
    };
    // Wait for all lanes, also when one fails: the next pull reports that this member holds nothing.
    const ends = await Promise.allSettled(Array.from({ length: this.#concurrency }, work));
    await settling.end();
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  /** Handles items of one person. After one that failed the others come again behind it, to keep their order. */
  async #handleLane(lane: readonly Delivery<Item>[], settling: Settling): Promise<void> {
    for (const [i, delivery] of lane.entries()) {
      const rest = lane.slice(i).map(({ id }) => id);
      if (this.#closing.signal.aborted) return await settling.release(rest);
      // Another member may have it: the lease ended, for example while this process was stopped.
      if (settling.isLost(delivery.id)) continue;
      try {
        await this.#handler(delivery);
      } catch (error) {
        this.#report(error, delivery);
        const delayMs = Math.min(MAX_DELAY_MS, this.#retryDelayMs * 2 ** (delivery.attempt - 1));
        await settling.nack(delivery.id, delayMs);
        return await settling.release(rest.slice(1));
      }
      settling.ack(delivery.id);
    }
  }

  #report(error: unknown, delivery?: Delivery<Item>): void {
    try {
      this.#onError(error, delivery);
    } catch (failure) {
      console.error(`weir group ${this.#group.name}: onError failed:`, failure);
    }
  }
}

/** What becomes of the items of one pull: extends their leases, and collects acknowledgements while one is under way. */
class Settling {
  readonly #group: Group;
  readonly #member: string;
  readonly #open: Set<string>;
  readonly #lost = new Set<string>();
  readonly #timer: ReturnType<typeof setInterval>;
  #done: string[] = [];
  #acking: Promise<void> | null = null;
  #failure: unknown;

  constructor(group: Group, member: string, deliveries: readonly { readonly id: string }[], leaseMs: number) {
    this.#group = group;
    this.#member = member;
    this.#open = new Set(deliveries.map(({ id }) => id));
    this.#timer = setInterval(() => void this.#extend(leaseMs), leaseMs / 3);
  }

  isLost(id: string): boolean {
    return this.#lost.has(id);
  }

  ack(id: string): void {
    this.#open.delete(id);
    this.#done.push(id);
    this.#acking ??= this.#acknowledge();
  }

  async nack(id: string, delayMs: number): Promise<void> {
    this.#open.delete(id);
    await this.#group.nack([id], { delayMs });
  }

  async release(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#open.delete(id);
    if (ids.length > 0) await this.#group.release(ids);
  }

  /** Resolves when all acknowledgements are on disk. @throws WeirError when one failed: then the items come again */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#acking;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Never rejects. */
  async #acknowledge(): Promise<void> {
    try {
      while (this.#done.length > 0) await this.#group.ack(this.#done.splice(0, MAX_IDS));
    } catch (error) {
      this.#failure = error;
    }
    this.#acking = null;
  }

  /** Never rejects: a lease that could not be extended ends, and its item comes again. */
  async #extend(leaseMs: number): Promise<void> {
    if (this.#open.size === 0) return;
    const within = new AbortController();
    const timer = setTimeout(() => within.abort(), leaseMs / 3);
    try {
      const { lost } = await this.#group.extend([...this.#open], {
        member: this.#member,
        signal: within.signal,
      });
      for (const id of lost) {
        this.#lost.add(id);
        this.#open.delete(id);
      }
    } catch {
      // The next one may get through.
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Items by person, or by process: those are in order. Each other item is a lane of its own. */
function lanesOf<Item>(deliveries: readonly Delivery<Item>[]): Delivery<Item>[][] {
  const lanes = new Map<string, Delivery<Item>[]>();
  for (const delivery of deliveries) {
    const lane = laneOf(delivery);
    const known = lanes.get(lane);
    if (known === undefined) lanes.set(lane, [delivery]);
    else known.push(delivery);
  }
  return [...lanes.values()];
}

function laneOf({ id, event }: Delivery<unknown>): string {
  // The cast holds: an item of a feed is an object.
  const item = event as Readonly<Record<string, unknown>>;
  if (typeof item.user_id === 'string') return `user ${item.user_id}`;
  if (typeof item.anonymous_id === 'string') return `anonymous ${item.anonymous_id}`;
  return typeof item.change === 'string' ? `process ${String(item.id)}` : `item ${id}`;
}
