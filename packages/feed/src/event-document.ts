import { readRow } from '@weir/ingest';

/** The document of an item. */
export interface FeedEvent {
  /** The name for filters: that of an event. */
  readonly event: string;
  /** One line of JSON. An event has the client's form, with `received_at`; numbers keep their digits. */
  readonly text: string;
}

/** Reads an item of kind `events`. */
export function eventOfPayload(payload: Buffer): FeedEvent {
  const row = readRow(payload, 0);
  const { event, event_id, user_id, anonymous_id, session_id, properties, extras, timestamp, received_at } =
    row;
  // Built by hand: this runs for every event, and an object would take three times as long.
  let text = `{"event":${JSON.stringify(event)},"event_id":${JSON.stringify(event_id)}`;
  if (user_id !== null) text += `,"user_id":${JSON.stringify(user_id)}`;
  if (anonymous_id !== null) text += `,"anonymous_id":${JSON.stringify(anonymous_id)}`;
  if (session_id !== null) text += `,"session_id":${JSON.stringify(session_id)}`;
  text += `,"timestamp":"${new Date(timestamp).toISOString()}","received_at":"${new Date(received_at).toISOString()}"`;
  text += `,"properties":${inOneLine(properties)},"extras":${inOneLine(extras)}}`;
  return { event, text };
}

/** JSON without line breaks: they can only be between tokens, where they mean nothing. */
function inOneLine(json: string): string {
  return json.includes('\n') || json.includes('\r') ? json.replace(/[\r\n]+/g, ' ') : json;
}
