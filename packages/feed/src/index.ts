export { eventOfPayload, type FeedEvent } from './event-document.js';
export { EventTexts } from './event-texts.js';
export {
  Feed,
  FeedExpired,
  type FeedItem,
  type FeedPlace,
  type FeedStart,
  type NewItem,
} from './feed.js';
export type { FeedKind } from './feed-kind.js';
export { type FeedLimits, FeedRetention, type FeedRetentionOptions } from './feed-retention.js';
export { IngestSource } from './ingest-source.js';
export type { FeedLogger } from './logger.js';
