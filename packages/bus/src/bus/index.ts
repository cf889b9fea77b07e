export { Bus } from './bus.js';
export { type BusLimits, DEFAULT_LIMITS } from './bus-limits.js';
export type { BusEnd, BusOptions } from './bus-options.js';
export type { Lease } from './lease.js';
export { isNewer } from './release-order.js';
