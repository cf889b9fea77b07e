/** The seams, over the plans. All are synchronous or off the request path. */
import { createWriteStream, type WriteStream } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import type { Entitlement, LimitKey, RateLimiter, Sink, UsageEvent, UsageSink } from '@weir/extension';
import type { PlanTable } from './plans.js';

/** Permits queries for projects on a paid plan. */
export function paidAnalysis(plans: PlanTable): Entitlement {
  return {
    allowAnalysis(projectId) {
      const { hasAnalysis, name } = plans.of(projectId);
      return hasAnalysis ? { ok: true } : { ok: false, reason: `the ${name} plan has no queries` };
    },
  };
}

/** So many requests of a project in each second, on all surfaces together. */
export class PlanLimiter implements RateLimiter {
  readonly #plans: PlanTable;
  #second = 0;
  #counts = new Map<string, number>();

  constructor(plans: PlanTable) {
    this.#plans = plans;
  }

  allow({ projectId }: LimitKey) {
    const now = Date.now();
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#counts = new Map();
    }
    const count = (this.#counts.get(projectId) ?? 0) + 1;
    const ok = count <= this.#plans.of(projectId).requestsPerSecond;
    if (ok) this.#counts.set(projectId, count);
    return ok ? { ok } : { ok, retryAfterMs: 1000 - (now % 1000) };
  }
}

/** One line for each stored batch; a batch reported again has the same id. */
export function meter(path: string): UsageSink {
  return {
    async recordIngested(project, events, batch) {
      await appendFile(path, `${JSON.stringify({ project, events, batch })}\n`);
    },
  };
}

/** One line for each request that is billed, by its metered work; one that comes again has the same id. */
export class Bills implements Sink {
  readonly name = 'bills';
  readonly #file: WriteStream;

  constructor(path: string) {
    this.#file = createWriteStream(path, { flags: 'a' });
  }

  writeEvent({ id, time, tenant: project, fuel, billable }: UsageEvent) {
    if (!billable) return;
    const line = `${JSON.stringify({ id, time, project, fuel })}\n`;
    return new Promise<void>((resolve, reject) => {
      this.#file.write(line, (error) => (error ? reject(error) : resolve()));
    });
  }

  close() {
    return new Promise<void>((resolve) => void this.#file.end(resolve));
  }
}
