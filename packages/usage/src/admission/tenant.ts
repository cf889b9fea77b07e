import { type Denied, type Lease, paymentRequired } from './admission.js';
import { Rate } from './rate.js';
import type { TenantState } from './tenant-state.js';
import { TokenBucket } from './token-bucket.js';

/** One tenant on this node: what was decided about it, its tokens, and how many of its requests are running. */
export class Tenant {
  #refusal: Denied | null;
  #rate: Rate | null;
  #bucket: TokenBucket | null;
  #concurrencyLimit: number;
  #running = 0;

  constructor(state: TenantState, now: number) {
    this.#refusal = refusalOf(state);
    this.#rate = rateOf(state);
    this.#bucket = this.#rate === null ? null : new TokenBucket(this.#rate, now);
    this.#concurrencyLimit = state.concurrencyLimit;
  }

  /** Takes another state. Tokens and leases stay: a change of one limit is no gift, and cuts nothing off. */
  change(state: TenantState, now: number): void {
    const rate = rateOf(state);
    if (this.#rate !== null) this.#bucket?.fill(this.#rate, now);
    this.#bucket = rate === null ? null : (this.#bucket ?? new TokenBucket(rate, now));
    this.#rate = rate;
    this.#refusal = refusalOf(state);
    this.#concurrencyLimit = state.concurrencyLimit;
  }

  /** What every request is answered with while the tenant is suspended or disabled; else null. */
  get refusal(): Denied | null {
    return this.#refusal;
  }

  /** How many requests hold a lease. */
  get running(): number {
    return this.#running;
  }

  /** Takes a token: 0, also where there is no limit, or how many milliseconds to wait for one. */
  takeToken(now: number): number {
    return this.#rate === null || this.#bucket === null ? 0 : this.#bucket.take(this.#rate, now);
  }

  /** Undoes a {@link takeToken}. */
  giveTokenBack(): void {
    this.#bucket?.giveBack();
  }

  /** A lease; null where nothing is to be held, `full` where the limit is reached. */
  lease(): Lease | null | 'full' {
    if (this.#concurrencyLimit === 0) return null;
    if (this.#running >= this.#concurrencyLimit) return 'full';
    this.#running += 1;
    let isHeld = true;
    return {
      release: () => {
        if (isHeld) this.#running -= 1;
        isHeld = false;
      },
    };
  }
}

function rateOf({ rateLimitRps, rateBurst }: TenantState): Rate | null {
  return rateLimitRps === 0 ? null : new Rate(rateLimitRps, rateBurst);
}

function refusalOf({ enabled, suspended, denyStatus, denyReason }: TenantState): Denied | null {
  if (enabled && !suspended) return null;
  const detail = denyReason ?? (suspended ? 'this project is suspended' : 'this project is disabled');
  if (denyStatus === 402) return paymentRequired(detail);
  return { ok: false, code: 'suspended', detail, retryAfterMs: 0 };
}
