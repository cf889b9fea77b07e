import { MAX_EVENT_BYTES } from '@weir/event';

/** Protocol version. A side that requires another version reports it in `hello` or `hello_ack`. */
export const PROTOCOL_VERSION = 2;

/** Bytes that a line may contain in addition to the payload: 64 KiB. */
export const FRAMING_BYTES = 65_536;

/** Maximum length of a line in bytes, without its line feed. */
export const MAX_LINE_BYTES = MAX_EVENT_BYTES + FRAMING_BYTES;
