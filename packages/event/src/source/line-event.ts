import { isJsonObject } from '../json.js';
import { MAX_EVENT_BYTES, type RawEvent, rawEvent } from '../raw-event.js';
import { parsedJson } from './json-text.js';

/** The type of every line of a file, and of standard input. */
export const FILE_LINE = 'file.line';

/**
 * A line as an event, its payload an object: the line's own where it is one, else `{line}` with its text. Undefined
 * where that is above 1 MiB.
 */
export function lineEvent(line: string, event_id: string): RawEvent | undefined {
  const text = isJsonObject(parsedJson(line)) ? line : JSON.stringify({ line });
  if (Buffer.byteLength(text) > MAX_EVENT_BYTES) return undefined;
  return rawEvent({ event_id, event_type: FILE_LINE, timestamp: new Date().toISOString() }, text);
}
