export type { CapacityUse } from './capacity.js';
export type { ColumnEntry, EventEntry, EventProperties, PropertyEntry, TableEntry } from './catalog-types.js';
export { createQueryService, type QueryGate, type QueryParts } from './create-query-service.js';
export type { EngineMeter, EngineUse, MeterOptions } from './engine-meter.js';
export type { QueryLimits } from './limits.js';
export {
  QueryError,
  type QueryErrorCode,
} from './query-error.js';
export type { QueryService } from './query-service.js';
export {
  type Answer,
  type AnswerColumn,
  type AnswerStats,
  type AskOptions,
  type NewestOptions,
  type Question,
  STREAM_FORMATS,
  type StreamedAnswer,
  type StreamFormat,
  type StreamOptions,
} from './question.js';
