export { ConsumeError, type ConsumeErrorDetails, type ConsumeErrorKind } from '../consume-error.js';
export { Backoff, type BackoffOptions } from './backoff.js';
export type {
  EventStream,
  StreamedEvent,
  StreamGap,
  StreamState,
  StreamWatcher,
} from './event-stream.js';
export { type FeedLimits, type FeedOptions, FeedStream, feedUrl } from './feed.js';
export type { GroupDelivery, GroupMember, Source, SourceSpec } from './source.js';
export { SourceGap, SourceInterrupted } from './source-errors.js';
