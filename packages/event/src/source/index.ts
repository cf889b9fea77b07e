export { ConsumeError, type ConsumeErrorDetails, type ConsumeErrorKind } from '../consume-error.js';
export type {
  EventStream,
  StreamedEvent,
  StreamGap,
  StreamState,
  StreamWatcher,
} from './event-stream.js';
export { type FeedOptions, FeedStream, feedRequest } from './feed.js';
export { FILE_LINE } from './line-event.js';
export { withoutSecret } from './nats-connection.js';
export { NATS_MESSAGE } from './nats-event.js';
export { openSource, type SourceLimits } from './open-source.js';
export type { FeedLimits } from './outage.js';
export {
  deliveryKey,
  type GroupDelivery,
  type GroupMember,
  type GroupWish,
  type Source,
  type SourceSpec,
} from './source.js';
export { SourceEnded, SourceGap, SourceInterrupted } from './source-errors.js';
export { sourceSpec } from './source-spec.js';
export { StdinStream } from './stdin-stream.js';
export { WEBHOOK_REQUEST } from './webhook-event.js';
