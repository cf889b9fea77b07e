/**
 * Corrects a client's wrong clock as the Segment specification defines it:
 * `timestamp = received_at - (sent_at - timestamp)`.
 * See https://segment.com/docs/connections/spec/common/#timestamps.
 */
import { EVENT_LIMITS } from './event.js';
import type { ValidEvent } from './validate.js';

/** A correction above this is recorded in the event's extras, milliseconds. */
const RECORDED_ABOVE_MS = 1_000;
/** The key of the client's own time. */
const ORIGINAL = '$original_timestamp';
/** An event that would be this much later than its arrival shows a wrong `sent_at`. */
const MAX_AHEAD_MS = 24 * 60 * 60 * 1000;

/**
 * Returns the event with its time moved by `skew` milliseconds (`received_at - sent_at`); unchanged if the result would
 * leave the range of timestamps or be more than a day after the arrival. A correction of more than 1 s records the
 * client's time in
 * `extras.$original_timestamp`.
 * @param receivedAt arrival, in epoch milliseconds
 */
export function correctClock(event: ValidEvent, skew: number, receivedAt: number): ValidEvent {
  if (skew === 0) return event;
  const timestamp = event.timestamp + skew;
  const end = Math.min(EVENT_LIMITS.endTimestamp, receivedAt + MAX_AHEAD_MS + 1);
  if (timestamp < EVENT_LIMITS.minTimestamp || timestamp >= end) return event;
  if (Math.abs(skew) <= RECORDED_ABOVE_MS) return { ...event, timestamp };
  // An event that a forwarder has corrected before keeps its first time.
  if (event.extras.includes(`"${ORIGINAL}":`)) return { ...event, timestamp };
  const original = JSON.stringify(new Date(event.timestamp).toISOString());
  return { ...event, timestamp, extras: withKey(event.extras, ORIGINAL, original) };
}

/** Adds a key to the text of a JSON object without parsing it, so that its numbers keep their digits. */
function withKey(object: string, key: string, value: string): string {
  const body = object.slice(0, -1);
  return `${body}${body.length > 1 ? ',' : ''}${JSON.stringify(key)}:${value}}`;
}
