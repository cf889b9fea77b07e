import { type Denied, type Lease, paymentRequired } from './admission.js';
import { Rate } from './rate.js';
import type { TenantState } from './tenant-state.js';
import { TokenBucket } from './token-bucket.js';

/** One tenant on this node: its state, its tokens, and its running requests. */
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

  /**
   * Changes the state. Tokens and leases stay, so that a change of one limit neither refills tokens nor cancels
   * requests.
   */
  change(state: TenantState, now: number): void {
    const rate = rateOf(state);
    if (this.#rate !== null) this.#bucket?.fill(this.#rate, now);
    this.#bucket = rate === null ? null : (this.#bucket ?? new TokenBucket(rate, now));
    this.#rate = rate;
    this.#refusal = refusalOf(state);
    this.#concurrencyLimit = state.concurrencyLimit;
  }

  /** The refusal of every request while the tenant is suspended or disabled; otherwise null. */
  get refusal(): Denied | null {
    return this.#refusal;
  }

  /** Number of requests with a lease. */
  get running(): number {
    return this.#running;
  }

  /** Takes a token: returns 0 (also without a limit), or the milliseconds to wait for one. */
  takeToken(now: number): number {
    return this.#rate === null || this.#bucket === null ? 0 : this.#bucket.take(this.#rate, now);
  }

  /** Undoes a {@link takeToken}. */
  giveTokenBack(): void {
    this.#bucket?.giveBack();
  }

  /** A lease; null if there is no limit, `full` if the limit is reached. */
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
