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
