/** The seams, over the plans. All are synchronous or off the request path. */
import { appendFile } from 'node:fs/promises';
import type {
  Entitlement,
  EntitlementDecision,
  LimitDecision,
  LimitKey,
  RateLimiter,
  UsageSink,
} from '@weir/extension';
import type { PlanTable } from './plans.js';

/** Analysis is for those who pay. */
export class PaidAnalysis implements Entitlement {
  readonly #plans: PlanTable;

  constructor(plans: PlanTable) {
    this.#plans = plans;
  }

  allowAnalysis(projectId: string): EntitlementDecision {
    const { hasAnalysis, name } = this.#plans.of(projectId);
    return hasAnalysis ? { ok: true } : { ok: false, reason: `the ${name} plan has no queries` };
  }
}

/** So many requests of a project in each second, on all surfaces together. */
export class PlanLimiter implements RateLimiter {
  readonly #plans: PlanTable;
  #second = 0;
  #counts = new Map<string, number>();

  constructor(plans: PlanTable) {
    this.#plans = plans;
  }

  allow({ projectId }: LimitKey): LimitDecision {
    const now = Date.now();
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#counts = new Map();
    }
    const count = (this.#counts.get(projectId) ?? 0) + 1;
    if (count > this.#plans.of(projectId).requestsPerSecond) {
      return { ok: false, retryAfterMs: 1000 - (now % 1000) };
    }
    this.#counts.set(projectId, count);
    return { ok: true };
  }
}

/** One line for each stored batch, for the biller to add up; a batch reported again has the same id. */
export class Meter implements UsageSink {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async recordIngested(project: string, events: number, batch: string): Promise<void> {
    await appendFile(this.#path, `${JSON.stringify({ project, events, batch })}\n`);
  }
}
