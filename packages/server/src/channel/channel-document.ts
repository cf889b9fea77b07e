import type { ChannelView } from '@weir/channel';
import { endDocument } from './message-document.js';

/** The JSON document of a channel for its reader. */
export function channelDocument({
  channel,
  role,
  sequence,
  entries,
  lastIndex,
  subscribers,
  end,
}: ChannelView) {
  const { id, processId, name, direction, retention, submitterId, executorId, attempt } = channel;
  return {
    id,
    process_id: processId,
    name,
    direction,
    retention,
    submitter_id: submitterId,
    executor_id: executorId === '' ? null : executorId,
    attempt,
    role,
    entries,
    last_index: lastIndex,
    sequence,
    subscribers,
    ...(end !== undefined && { closed: endDocument(end) }),
  };
}
