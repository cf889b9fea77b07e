/** The members of a JSON body. */
import { IngestError } from '../errors.js';
import { notAnEnvelope } from './event-group.js';

/** The parsed members of a body that determine its form. */
export interface EnvelopeMembers {
  readonly token?: unknown;
  readonly sent_at?: unknown;
  readonly events?: unknown;
  /** Another name of `events`, used by other event backends. */
  readonly batch?: unknown;
  /** The name of an event: the body is that event, unless it has `events`. */
  readonly event?: unknown;
}

/** Names of {@link EnvelopeMembers}. */
export const ENVELOPE_NAMES: ReadonlySet<string> = new Set(['token', 'sent_at', 'events', 'batch', 'event']);

/**
 * Where the events of a body are: in one of its arrays, or the body is one event.
 * @throws IngestError `invalid_envelope` if the body has none of these
 */
export function placeOfEvents({ events, batch, event }: EnvelopeMembers): 'events' | 'batch' | 'body' {
  const hasEvents = events !== undefined && events !== null;
  const hasBatch = batch !== undefined && batch !== null;
  const isEvent = event !== undefined && event !== null;
  if (Array.isArray(events)) {
    if (isEvent) {
      throw new IngestError('invalid_envelope', 'the body is an event by "event" and a batch by "events"', {
        hint: 'send events in "events" alone; an event with a member of that name goes into such a batch',
      });
    }
    if (!Array.isArray(batch)) return 'events';
    throw new IngestError('invalid_envelope', '"events" and "batch" name the same member', {
      hint: 'send all events in "events"',
    });
  }
  // An event may have its own member of this name.
  if (isEvent) return 'body';
  if (Array.isArray(batch) && !hasEvents) return 'batch';
  if (hasEvents || hasBatch) throw notAnEnvelope(`"${hasEvents ? 'events' : 'batch'}" is not an array`);
  throw notAnEnvelope('the body has no "events"');
}

/** The event in a body: members of the envelope are not part of it. */
export function eventOf({ token, sent_at, ...event }: EnvelopeMembers): object {
  return event;
}
