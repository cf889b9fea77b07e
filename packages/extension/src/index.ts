export { type Entitlement, type EntitlementDecision, Unlimited } from './entitlement.js';
export {
  AllowAll,
  type LimitDecision,
  type LimitKey,
  type RateLimiter,
  type Surface,
} from './rate-limiter.js';
export type { Sink, SinkConfig, SinkConstructor, SinkLogger } from './sink.js';
export type { DenialReason, UsageEvent, UsageSource } from './usage-event.js';
export { Discard, type UsageSink } from './usage-sink.js';
