import { MAX_EVENT_BYTES } from '@weir/event';

/** Version of the protocol. One side that needs another version says so in `hello` or `hello_ack`. */
export const PROTOCOL_VERSION = 2;

/** What a line may have beside the payload: 64 KiB. */
export const FRAMING_BYTES = 65_536;

/** A line without its line feed, in bytes. */
export const MAX_LINE_BYTES = MAX_EVENT_BYTES + FRAMING_BYTES;
