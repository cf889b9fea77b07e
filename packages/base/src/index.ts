export { type AbortScope, deadline, firstAbort } from './abort.js';
export { type Defined, defined } from './defined.js';
export { codeOf } from './error/code-of.js';
export {
  type ErrorClass,
  type ErrorDetails,
  type ErrorFacts,
  type ErrorForm,
  errorClass,
  type TextPosition,
  WeirError,
} from './error/weir-error.js';
export { type BoundedRequest, boundedFetch } from './http/bounded-fetch.js';
export { retryAfterMs } from './http/retry-after.js';
export { isSpace, JsonWalk, skipSpace, withoutMark } from './json/json-walk.js';
export { type JsonBounds, PIECE_BYTES, parseJson } from './json/parse-json.js';
export { type Logger, silentLogger } from './logger.js';
export { NO_IDS } from './no-ids.js';
export { takeTurn } from './reader-turns.js';
export { plainIssue, type SchemaIssue } from './schema/plain-issue.js';
export { afterSilence } from './silence.js';
export { SLICE_MS, Slice, type SliceOptions } from './slice.js';
export { Backoff, type BackoffOptions } from './time/backoff.js';
export { pause } from './time/pause.js';
export { Wakeup } from './time/wakeup.js';
export { connectionArrived, hasRoom, later, nextTurn, type Owner, TURN_MS, turnNumber } from './turns.js';
export { incompleteUtf8 } from './utf8.js';
