import { isJsonObject } from '../json.js';
import { type RawEvent, rawEvent } from '../raw-event.js';

/** The event type of what channels carry. */
export const CHANNEL_MESSAGE = 'weir.channel.message';

/**
 * A message of a channel as an event, from its document's text.
 *
 * @param channel what its index is unique in.
 * @param seenAt when it came, RFC 3339.
 * @throws SyntaxError when the text is not JSON.
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
