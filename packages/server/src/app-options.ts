import type { Logger } from '@weir/base';
import type { Entitlement, RateLimiter, UsageSink } from '@weir/extension';
import type { SinkRegistry } from '@weir/usage';
import type { Config } from './config/schema.js';

/** Options of `createApp`; each has a default. See docs/extending.md. */
export interface AppOptions {
  /** Settings; default from the environment and `.env` in the working directory. */
  readonly config?: Config;
  /** Decides whether a project may analyse now. Default: always. */
  readonly entitlement?: Entitlement;
  /** Decides whether a request may proceed now. Default: always. */
  readonly rateLimiter?: RateLimiter;
  /** Receives every batch that is durable in ClickHouse. Default: none. */
  readonly usageSink?: UsageSink;
  /** Sinks of usage records besides the built-in ones; `WEIR_USAGE_SINKS` selects the sinks in use. Default: none. */
  readonly sinks?: SinkRegistry;
  /** The page for payment, an http(s) URL; named in every 402. Default: none. */
  readonly upgradeUrl?: string;
  /** Default: writes JSON lines to standard output, from `WEIR_LOG_LEVEL` up. */
  readonly logger?: Logger;
  /** Version in health and metrics; default Weir's own. */
  readonly version?: string;
}
