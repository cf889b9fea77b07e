/**
 * The gate in front of every tenant surface. It checks in this order; the first refusal wins:
 *
 *     1 draining           503 draining           4 concurrency_limit   429 at_capacity
 *     2 suspended/disabled 403 or 402             5 entitlement         402 payment_required (reads of events)
 *     3 rates              429 rate_limited
 *
 * There are three rates: the RateLimiter seam, the configured limit of the surface, and the tenant's own. A request
 * refused by a later step returns the tokens that it took here; a plugged-in limiter keeps its own count. All state is
 * in memory, and the answer is synchronous unless a seam's is not.
 */
import type { Entitlement, LimitKey, RateLimiter, Surface } from '@weir/extension';
import {
  ADMITTED,
  type Admission,
  AT_CAPACITY,
  type Denied,
  DRAINING,
  type Lease,
  paymentRequired,
  rateLimited,
} from './admission.js';
import { BucketTable } from './bucket-table.js';
import type { Rate } from './rate.js';
import type { SeamCaller } from './seam-caller.js';
import type { Tenant } from './tenant.js';
import type { TenantTable } from './tenant-table.js';
import type { TokenBucket } from './token-bucket.js';

/** The tenant id of requests without a tenant; never gated. */
export const SYSTEM_TENANT = '_sys';

const NOT_ENTITLED = 'this project may not be analysed now';

/** Dependencies of an {@link AdmissionGate}. */
export interface AdmissionGateOptions {
  readonly tenants: TenantTable;
  readonly seams: SeamCaller;
  /** Null if none is plugged in; the check is then free. */
  readonly rateLimiter: RateLimiter | null;
  /** Null if none is plugged in. */
  readonly entitlement: Entitlement | null;
  /** The configured limits of each credential of each project, by surface. Absent means unlimited. */
  readonly rates: Readonly<Partial<Record<Surface, Rate>>>;
  readonly isDraining: () => boolean;
  /** Milliseconds of a monotonic clock; default the process's. */
  readonly now?: () => number;
}

/** Tokens and leases that a later refusal returns. */
interface Taken {
  readonly ofSurface: TokenBucket | null;
  readonly ofTenant: Tenant | null;
  readonly lease: Lease | null;
}

/** Decides about requests. */
export class AdmissionGate {
  readonly #options: AdmissionGateOptions;
  readonly #buckets = new Map<Surface, BucketTable>();
  readonly #now: () => number;

  constructor(options: AdmissionGateOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    for (const [surface, rate] of Object.entries(options.rates)) {
      // The cast holds: these are the keys of a record of surfaces.
      this.#buckets.set(surface as Surface, new BucketTable(rate));
    }
  }

  /**
   * Decides whether a request may proceed; called once, when its project is known. The lease of an {@link Admission}
   * must be released when the response ends.
   * @param readsEvents whether the request reads stored events; default by its surface
   */
  admit(key: LimitKey, readsEvents = isRead(key.surface)): Admission | Promise<Admission> {
    const { tenants, rateLimiter, seams, isDraining } = this.#options;
    if (key.projectId === SYSTEM_TENANT) return ADMITTED;
    if (isDraining()) return DRAINING;
    const tenant = tenants.find(key.projectId);
    const refusal = tenant?.refusal ?? null;
    if (refusal !== null) return refusal;
    if (rateLimiter === null) return this.#take(key, tenant, readsEvents);
    const asked = seams.ask('rateLimiter', (signal) => rateLimiter.allow(key, signal));
    return asked instanceof Promise
      ? asked.then((decision) => this.#afterWaiting(decision, key, readsEvents))
      : this.#afterLimiter(asked, key, tenant, readsEvents);
  }

  /** Repeats the checks, because the state may have changed while the limiter was awaited. */
  #afterWaiting(
    decision: { readonly ok: boolean; readonly retryAfterMs?: number },
    key: LimitKey,
    readsEvents: boolean,
  ): Admission | Promise<Admission> {
    if (this.#options.isDraining()) return DRAINING;
    const tenant = this.#options.tenants.find(key.projectId);
    return tenant?.refusal ?? this.#afterLimiter(decision, key, tenant, readsEvents);
  }

  #afterLimiter(
    { ok, retryAfterMs = 0 }: { readonly ok: boolean; readonly retryAfterMs?: number },
    key: LimitKey,
    tenant: Tenant | undefined,
    readsEvents: boolean,
  ): Admission | Promise<Admission> {
    return ok
      ? this.#take(key, tenant, readsEvents)
      : rateLimited(Number.isFinite(retryAfterMs) ? retryAfterMs : 0);
  }

  #take(key: LimitKey, tenant: Tenant | undefined, readsEvents: boolean): Admission | Promise<Admission> {
    const now = this.#now();
    const table = this.#buckets.get(key.surface);
    const ofSurface = table?.of(key.projectId, key.tokenId, now) ?? null;
    if (table !== undefined && ofSurface !== null) {
      const wait = ofSurface.take(table.rate, now);
      if (wait > 0) return rateLimited(wait);
    }
    const { projectId } = key;
    if (tenant === undefined)
      return this.#entitled(projectId, readsEvents, { ofSurface, ofTenant: null, lease: null });
    const wait = tenant.takeToken(now);
    if (wait > 0) {
      ofSurface?.giveBack();
      return rateLimited(wait);
    }
    const lease = tenant.lease();
    if (lease === 'full') return undo({ ofSurface, ofTenant: tenant, lease: null }, AT_CAPACITY);
    return this.#entitled(projectId, readsEvents, { ofSurface, ofTenant: tenant, lease });
  }

  /** Why a project may not read its events now; null if it may. For streams that outlive a single decision. */
  analysisRefusal(projectId: string): Denied | null | Promise<Denied | null> {
    const { entitlement, seams } = this.#options;
    if (entitlement === null) return null;
    const asked = seams.ask('entitlement', (signal) => entitlement.allowAnalysis(projectId, signal));
    const refusal = (decision: { readonly ok: boolean; readonly reason?: string }): Denied | null =>
      decision.ok ? null : paymentRequired(decision.reason || NOT_ENTITLED);
    return asked instanceof Promise ? asked.then(refusal) : refusal(asked);
  }

  #entitled(projectId: string, readsEvents: boolean, taken: Taken): Admission | Promise<Admission> {
    const admitted = taken.lease === null ? ADMITTED : { ok: true as const, lease: taken.lease };
    if (!readsEvents) return admitted;
    const asked = this.analysisRefusal(projectId);
    const answer = (refusal: Denied | null): Admission =>
      refusal === null ? admitted : undo(taken, refusal);
    return asked instanceof Promise ? asked.then(answer) : answer(asked);
  }
}

/** Surfaces whose every request reads events. On the feed, it depends on the requested stream. */
function isRead(surface: Surface): boolean {
  return surface === 'query' || surface === 'mcp';
}

function undo({ ofSurface, ofTenant, lease }: Taken, denied: Denied): Denied {
  ofSurface?.giveBack();
  ofTenant?.giveTokenBack();
  lease?.release();
  return denied;
}
