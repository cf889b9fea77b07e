export { eventDocument } from './event-document.js';
export { feedNames } from './feed-names.js';
export { ANY_EVENT, shippedKeys } from './weir-event.js';
