export { DeadLetterSource } from './dead-letter-source.js';
export { documentItem } from './document-item.js';
export type { FeedEvent } from './event-document.js';
export { EventTexts } from './event-texts.js';
export {
  Feed,
  type FeedEnd,
  type FeedItem,
  type FeedPlace,
  type FeedStart,
  type NewItem,
} from './feed.js';
export { FeedError, type FeedErrorFacts, type FeedGap, gapOf } from './feed-error.js';
export type { FeedDeadLetter, FeedDelivery, FeedGroup, FeedGroupStatus, FeedPull } from './feed-group.js';
export { FeedGroups, type WantedGroup } from './feed-groups.js';
export { documentIn, FEED_KINDS, type FeedKind } from './feed-kind.js';
export { type FeedLimits, FeedRetention, type FeedRetentionOptions } from './feed-retention.js';
export type { GroupDefinition } from './group-list.js';
export { IngestSource } from './ingest-source.js';
export { type Published, PublishLoop } from './publish-loop.js';
