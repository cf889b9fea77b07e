export { eventDocument } from './event-document.js';
export { feedNames } from './feed-names.js';
export { shippedKeys } from './shipped-keys.js';
export { type FeedPlace, sourceOf } from './source-of.js';
export { ANY_EVENT } from './weir-event.js';
