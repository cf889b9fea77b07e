/**
 * Unfinished bodies. Without this bound, a client that announces a body and does not send it would hold its memory
 * indefinitely. A body must make progress, and when memory runs out the slowest one is ended first.
 */
import type { MemoryBudget } from '../memory-budget.js';
import { Problem } from '../problem.js';

/** Limits of an {@link OpenBodies}. */
export interface OpenBodiesLimits {
  /** Unfinished bodies of one address. Default in the configuration: 200. */
  readonly maxPerAddress: number;
  /**
   * Maximum time without a byte, and the window over which the minimum rate is measured, milliseconds. Default 10,000.
   */
  readonly patienceMs?: number;
  /** Minimum rate after the first window, bytes a second. Default 1,024. */
  readonly minBytesPerSecond?: number;
  /** A monotonic clock, milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

/** Why a body was ended. */
export type EndReason = 'stalled' | 'slow' | 'pressure';

const TICK_MS = 1_000;
/** A smaller body is not ended when memory runs out, because it would free almost none. */
const MIN_FREED_BYTES = 16 * 1024;
/** A body that arrives at this rate is not ended when memory runs out; the next client is refused instead. */
const HEALTHY_BYTES_PER_SECOND = 256 * 1024;

/** A new body. */
export interface NewBody {
  /** The key of the client's address. */
  readonly address: string;
  /** Whether the address belongs to a proxy with many clients: it may have any number of bodies. */
  readonly isProxy: boolean;
  /** The budget that its bytes are charged to. */
  readonly memory: MemoryBudget;
  /** The owner in that budget. */
  readonly owner: string;
  /** Refuses the body, and releases its memory at once. */
  readonly end: (problem: Problem) => void;
}

/** A body during its arrival. */
export class OpenBody {
  readonly address: string;
  readonly memory: MemoryBudget;
  readonly owner: string;
  readonly end: (problem: Problem) => void;
  received = 0;
  lastAt: number;
  /** Bytes at the last tick, and at the start of the window. */
  atTick = 0;
  atWindow = 0;
  windowAt: number;
  isInFirstWindow = true;
  /** Recent rate, bytes a second; infinite until measured. */
  rate = Number.POSITIVE_INFINITY;
  readonly #now: () => number;

  constructor({ address, memory, owner, end }: NewBody, now: () => number) {
    this.address = address;
    this.memory = memory;
    this.owner = owner;
    this.end = end;
    this.#now = now;
    this.lastAt = now();
    this.windowAt = this.lastAt;
  }

  /** Counts received bytes. */
  progress(bytes: number): void {
    this.received += bytes;
    this.lastAt = this.#now();
  }
}

/** All unfinished bodies. */
export class OpenBodies {
  readonly #limits: Required<OpenBodiesLimits>;
  readonly #onEnd: (reason: EndReason) => void;
  readonly #open = new Set<OpenBody>();
  readonly #perAddress = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;

  /** @param onEnd for the metrics */
  constructor(limits: OpenBodiesLimits, onEnd: (reason: EndReason) => void = () => {}) {
    this.#limits = {
      patienceMs: 10_000,
      minBytesPerSecond: 1024,
      now: () => performance.now(),
      ...limits,
    };
    this.#onEnd = onEnd;
  }

  /** Number of unfinished bodies. */
  get count(): number {
    return this.#open.size;
  }

  /** Adds a body. {@link close} must be called. @throws Problem 429 `at_capacity` */
  open(added: NewBody): OpenBody {
    const { address, isProxy } = added;
    const { maxPerAddress, now } = this.#limits;
    const count = (this.#perAddress.get(address) ?? 0) + 1;
    if (count > maxPerAddress && !isProxy) {
      throw new Problem('at_capacity', `one address may have ${maxPerAddress} unfinished bodies`, {
        limit: maxPerAddress,
        hint: 'finish requests before starting others',
      });
    }
    this.#perAddress.set(address, count);
    const body = new OpenBody(added, now);
    this.#open.add(body);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    return body;
  }

  /** Removes a body that has ended. Idempotent. */
  close(body: OpenBody): void {
    if (!this.#open.delete(body)) return;
    const left = (this.#perAddress.get(body.address) ?? 1) - 1;
    if (left === 0) this.#perAddress.delete(body.address);
    else this.#perAddress.set(body.address, left);
    if (this.#open.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /**
   * Ends the slowest body of a budget to free its memory.
   * @param owner restricts the choice to this owner
   * @returns false if all are fast or too new to be measured
   */
  endSlowest(memory: MemoryBudget, owner?: string): boolean {
    let slowest: OpenBody | null = null;
    for (const body of this.#open) {
      if (body.memory !== memory || (owner !== undefined && body.owner !== owner)) continue;
      if (body.received < MIN_FREED_BYTES) continue;
      if (slowest === null || body.rate < slowest.rate) slowest = body;
    }
    if (slowest === null || slowest.rate >= HEALTHY_BYTES_PER_SECOND) return false;
    this.#end(slowest, 'pressure', 'memory for bodies ran out, and this one arrived slowest');
    return true;
  }

  #tick(): void {
    const { patienceMs, minBytesPerSecond, now } = this.#limits;
    const time = now();
    for (const body of this.#open) {
      const sinceTick = (body.received - body.atTick) / (TICK_MS / 1_000);
      // A stalled body counts as slow at once, whatever its earlier rate.
      body.rate = sinceTick > 0 && Number.isFinite(body.rate) ? (body.rate + sinceTick) / 2 : sinceTick;
      body.atTick = body.received;
      if (time - body.lastAt >= patienceMs) {
        this.#end(body, 'stalled', `no byte of the body has arrived for ${patienceMs / 1_000} s`);
      } else if (time - body.windowAt >= patienceMs) {
        const rate = ((body.received - body.atWindow) / (time - body.windowAt)) * 1_000;
        body.windowAt = time;
        body.atWindow = body.received;
        const isFirst = body.isInFirstWindow;
        body.isInFirstWindow = false;
        // The first window allows slow starts: any progress suffices.
        if (!isFirst && rate < minBytesPerSecond)
          this.#end(body, 'slow', `the body arrives slower than ${minBytesPerSecond} bytes a second`);
      }
    }
  }

  #end(body: OpenBody, reason: EndReason, detail: string): void {
    this.close(body);
    this.#onEnd(reason);
    body.end(
      new Problem('body_too_slow', detail, {
        hint: 'send the body at once when the request begins, in several smaller requests on a slow connection',
        headers: { connection: 'close' },
      }),
    );
  }
}
