/** Reads a small body of the usual form, `{"token"?, "sent_at"?, "events": [...]}`, in one pass over its bytes. */
import type { OnIgnoredId, Refusal } from '../decode.js';
import type { Event } from '../event.js';
import { parseMarked } from '../exact-numbers.js';
import type { EnvelopeMembers } from './envelope-members.js';
import { type EventGroup, type EventPlace, parseEvent } from './event-group.js';
import { EventScan } from './event-scan.js';

const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** A scanned body. */
export interface ScannedEnvelope {
  readonly members: EnvelopeMembers;
  readonly events: EventGroup;
}

/**
 * Scans a body.
 * @returns null for a body of another form, of more than `maxEvents`, or that is not JSON: the parser then determines
 *   the error
 */
export function scanEnvelope(body: Buffer, maxEvents: number): ScannedEnvelope | null {
  const scan = new EventScan(body);
  const members: { token?: unknown; sent_at?: unknown; events?: readonly [] } = {};
  let events: ScannedEvents | null = null;
  let at = scan.space(0);
  if (body[at] !== OPEN_BRACE) return null;
  do {
    const nameStart = scan.space(at + 1);
    if (!scan.value(nameStart)) return null;
    const name = body.toString('latin1', nameStart, scan.end);
    at = scan.space(scan.end);
    if (body[at] !== COLON) return null;
    at = scan.space(at + 1);
    if (name === '"events"' && events === null) {
      events = new ScannedEvents(body);
      if (!events.scan(scan, at, maxEvents)) return null;
      members.events = [];
    } else if ((name === '"token"' || name === '"sent_at"') && scan.value(at)) {
      members[name === '"token"' ? 'token' : 'sent_at'] = parseMarked(body.toString('utf8', at, scan.end));
    } else return null;
    at = scan.space(scan.end);
  } while (body[at] === COMMA);
  if (body[at] !== CLOSE_BRACE || scan.space(at + 1) !== body.length) return null;
  return events === null ? null : { members, events };
}

class ScannedEvents implements EventGroup {
  readonly #body: Buffer;
  readonly #events: (Event | EventPlace)[] = [];
  #index = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  /** Scans the array at `start`. @returns whether it is a valid array of at most `maxEvents` */
  scan(scan: EventScan, start: number, maxEvents: number): boolean {
    const body = this.#body;
    if (body[start] !== OPEN_BRACKET) return false;
    let at = scan.space(start + 1);
    if (body[at] === CLOSE_BRACKET) return scan.value(start);
    for (;;) {
      const event = scan.event(at);
      if (event === undefined || this.#events.length === maxEvents) return false;
      this.#events.push(event ?? { start: at, end: scan.end, marked: scan.hasDelicateNumber });
      at = scan.space(scan.end);
      if (body[at] === CLOSE_BRACKET) break;
      if (body[at] !== COMMA) return false;
      at = scan.space(at + 1);
    }
    scan.passed(at + 1);
    return true;
  }

  next(onIgnoredId: OnIgnoredId): Event | Refusal | null {
    const event = this.#events[this.#index];
    if (event === undefined) return null;
    this.#index += 1;
    return 'start' in event ? parseEvent(this.#body, event, onIgnoredId) : event;
  }
}
