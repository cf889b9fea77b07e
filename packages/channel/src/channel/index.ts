export type { Caller, Role, Sender } from './caller.js';
export {
  type Channel,
  type ChannelSpec,
  type Closed,
  channelId,
  type Direction,
  type NewChannel,
  type ProcessInfo,
  type Retention,
} from './channel.js';
export { ChannelError, type ChannelErrorFacts } from './channel-error.js';
export {
  type ChannelLimits,
  DEFAULT_LIMITS,
  DEFAULT_PROCESS_LIMITS,
  DEFAULT_RATE_LIMIT,
  type Limits,
  type ProcessLimits,
  type RateLimit,
} from './limits.js';
export type { ChannelEnd } from './live-channel.js';
export type { Appended, MessageType, MsgEntry, NewMessage } from './message.js';
export { Pipeline } from './pipeline.js';
export { RateLimiter } from './rate-limiter.js';
export {
  type ChannelView,
  type Page,
  type ReadOptions,
  Router,
  type RouterOptions,
  type SubscribeOptions,
} from './router.js';
export type { Frame, Subscriber } from './subscriber.js';
