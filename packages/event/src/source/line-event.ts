import { isJsonObject } from '../json.js';
import { MAX_EVENT_BYTES, type RawEvent, rawEvent } from '../raw-event.js';
import { parsedJson } from './json-text.js';

/** Event type of lines of a file or of standard input. */
export const FILE_LINE = 'file.line';

/**
 * Converts a line into an event. The payload is the line if it is a JSON object, otherwise `{line}`. Undefined if the
 * payload exceeds 1 MiB.
 */
export function lineEvent(line: string, event_id: string): RawEvent | undefined {
  const text = isJsonObject(parsedJson(line)) ? line : JSON.stringify({ line });
  if (Buffer.byteLength(text) > MAX_EVENT_BYTES) return undefined;
  return rawEvent({ event_id, event_type: FILE_LINE, timestamp: new Date().toISOString() }, text);
}
