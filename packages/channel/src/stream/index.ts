export { DEFAULT_CONTENT_TYPE, isText } from './content-type.js';
export type { Created, CreateOptions, ForkOptions } from './lifecycle.js';
export { DEFAULT_LIMITS, type StreamLimits } from './limits.js';
export type { Producer } from './producers.js';
export { producerFenced, producerGap, StreamError } from './stream-error.js';
export type { Expiry } from './stream-record.js';
export type { AppendOutcome, AppendRequest, Page, StreamInfo, StreamSource } from './stream-source.js';
export { StreamStore, type StreamStoreOptions } from './stream-store.js';
