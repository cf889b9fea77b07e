/** Version of the protocol. One side that needs another version says so in `hello` or `hello_ack`. */
export const PROTOCOL_VERSION = 2;

/** An event's payload, in bytes of JSON: 1 MiB. */
export const MAX_EVENT_BYTES = 1_048_576;

/** What a line may have beside the payload: 64 KiB. */
export const FRAMING_BYTES = 65_536;

/** A line without its line feed, in bytes. */
export const MAX_LINE_BYTES = MAX_EVENT_BYTES + FRAMING_BYTES;
