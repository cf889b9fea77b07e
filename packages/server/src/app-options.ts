import type { Logger } from '@weir/base';
import type { Entitlement, RateLimiter, UsageSink } from '@weir/extension';
import type { SinkRegistry } from '@weir/usage';
import type { Config } from './config/schema.js';

/** What `createApp` takes; every part has a default. See docs/extending.md. */
export interface AppOptions {
  /** Settings; default from the environment and `.env` in the working directory. */
  readonly config?: Config;
  /** May this project analyse now? Default: always. */
  readonly entitlement?: Entitlement;
  /** May this request proceed now? Default: always. */
  readonly rateLimiter?: RateLimiter;
  /** Told of every batch that is durable in ClickHouse. Default: nobody is. */
  readonly usageSink?: UsageSink;
  /** Sinks of usage records besides those Weir has; `WEIR_USAGE_SINKS` says which are used. Default: none. */
  readonly sinks?: SinkRegistry;
  /** Where a person can pay, an http(s) URL; named in every 402. Default: nowhere. */
  readonly upgradeUrl?: string;
  /** Default: one JSON line each on standard output, from `WEIR_LOG_LEVEL` up. */
  readonly logger?: Logger;
  /** Shown in health and metrics; default Weir's own. */
  readonly version?: string;
}
