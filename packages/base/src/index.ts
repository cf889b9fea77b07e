export { type AbortScope, deadline, firstAbort } from './abort.js';
export { nextTurn, SLICE_MS, Slice } from './slice.js';
