import { isJsonObject } from '../json.js';
import { type RawEvent, rawEvent } from '../raw-event.js';

/** Event type of channel messages. */
export const CHANNEL_MESSAGE = 'weir.channel.message';

/**
 * Creates an event from the JSON text of a channel message.
 *
 * @param channel prefix that makes the index unique.
 * @param seenAt arrival time, RFC 3339.
 * @throws SyntaxError if the text is not JSON.
 */
export function channelEvent(text: string, channel: string, seenAt: string): RawEvent {
  return rawEvent((payload) => {
    const { index, timestamp } = isJsonObject(payload) ? payload : {};
    const madeAt = Date.parse(String(timestamp));
    return {
      event_id: `${channel}.${String(index)}`,
      event_type: CHANNEL_MESSAGE,
      ...(Number.isNaN(madeAt) ? {} : { source_time: String(madeAt) }),
      timestamp: seenAt,
    };
  }, text);
}
