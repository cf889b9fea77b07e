/**
 * The core of the client alone, for programs that call routes of their own choice: requests and event streams, without channels
 * and their WebSocket.
 */
export { WeirError, type WeirErrorDetails } from '../weir-error.js';
export {
  type Call,
  Connection,
  type ConnectionOptions,
  errorOfResponse,
  type QueryValue,
} from './connection.js';
export { type EventStreamRequest, errorOfData, eventStream } from './event-stream.js';
export { failureReason } from './failure.js';
export type { SseBlock } from './sse-parser.js';
