export { decodeLine } from './decode-line.js';
export { encode } from './encode.js';
export type { Hello, HelloAck } from './hello.js';
export { FRAMING_BYTES, MAX_LINE_BYTES, PROTOCOL_VERSION } from './limits.js';
export {
  type EventMessage,
  MESSAGE_TYPES,
  type Message,
  type MessageType,
  type PlainMessage,
} from './message.js';
export { MessageDecoder } from './message-decoder.js';
export { ProtocolError, type ProtocolErrorCode } from './protocol-error.js';
export type { SourceStatus, StatusResponse } from './status.js';
