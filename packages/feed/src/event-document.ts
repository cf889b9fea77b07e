import { readRow } from '@weir/ingest';

/** What the feed tells of an item. */
export interface FeedEvent {
  /** What it is chosen by: an event's name. */
  readonly event: string;
  /** One line of JSON. An event's is as clients send it, with `received_at`; numbers keep their digits. */
  readonly text: string;
}

/** Reads an item of kind `events`. */
export function eventOfPayload(payload: Buffer): FeedEvent {
  const row = readRow(payload, 0);
  const { event, event_id, user_id, anonymous_id, session_id, properties, extras, timestamp, received_at } =
    row;
  // Put together by hand: this is done for every event and would take three times as long by an object.
  let text = `{"event":${JSON.stringify(event)},"event_id":${JSON.stringify(event_id)}`;
  if (user_id !== null) text += `,"user_id":${JSON.stringify(user_id)}`;
  if (anonymous_id !== null) text += `,"anonymous_id":${JSON.stringify(anonymous_id)}`;
  if (session_id !== null) text += `,"session_id":${JSON.stringify(session_id)}`;
  text += `,"timestamp":"${new Date(timestamp).toISOString()}","received_at":"${new Date(received_at).toISOString()}"`;
  text += `,"properties":${inOneLine(properties)},"extras":${inOneLine(extras)}}`;
  return { event, text };
}

/** JSON without line breaks: outside of texts, where they mean nothing, is the only place they can be. */
function inOneLine(json: string): string {
  return json.includes('\n') || json.includes('\r') ? json.replace(/[\r\n]+/g, ' ') : json;
}
