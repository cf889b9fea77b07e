/**
 * A request body into its events, not decoded yet: `{"token"?, "sent_at"?, "events": [...]}` or NDJSON, an event a line.
 *
 * A small body is parsed as a whole. A large one is only cut into groups of events here; `decodeBatch` parses group by group
 * and gives up the event loop between them.
 */
import { isUtf8 } from 'node:buffer';
import { PIECE_BYTES, type Slice, withoutMark } from '@weir/base';
import { IngestError } from '../errors.js';
import { hasDelicateNumbers, isMarkedNumber, parseMarked } from '../exact-numbers.js';
import { parseInstant } from '../timestamp.js';
import { cutEnvelope } from './cut-envelope.js';
import { cutLines } from './cut-lines.js';
import { type EventGroup, invalidJson, notAnEnvelope, tooMany } from './event-group.js';

/** How the events stand in the body. */
export type BodyFormat = 'json' | 'ndjson';

/** What surrounds the events of a body, and the events in groups. */
export interface Envelope {
  /** The body's own token, where it carries one. */
  readonly token: string | null;
  /** The client's clock when it sent, in epoch milliseconds. */
  readonly sentAt: number | null;
  readonly groups: readonly EventGroup[];
}

/**
 * Reads the envelope of an unpacked body.
 * @param maxEvents events a body may hold; rejecting an event also costs time, so rejected ones count too
 * @param slice gives up the event loop where a large body takes long
 * @throws IngestError `invalid_encoding` (not UTF-8), `invalid_json`, `invalid_envelope`, `batch_too_large`
 */
export async function readEnvelope(
  body: Buffer,
  format: BodyFormat,
  maxEvents: number,
  slice: Slice,
): Promise<Envelope> {
  if (!isUtf8(body)) throw new IngestError('invalid_encoding', 'the body is not UTF-8');
  const text = withoutMark(body);
  if (format === 'ndjson') {
    return { token: null, sentAt: null, groups: await cutLines(text, maxEvents, slice) };
  }
  if (text.length > PIECE_BYTES) {
    const { members, groups } = await cutEnvelope(text, maxEvents, slice);
    return { ...envelopeOf(members), groups };
  }
  const { marked, members } = parseEnvelope(text.toString('utf8'));
  const envelope = envelopeOf(members);
  const { events } = members;
  // The cast holds: envelopeOf has refused what is no array.
  const list = (events ?? []) as readonly unknown[];
  if (list.length > maxEvents) throw tooMany(maxEvents);
  return { ...envelope, groups: [{ parse: () => ({ events: list, marked }) }] };
}

/** The members of an envelope that Weir knows, as parsed. */
export interface EnvelopeMembers {
  readonly token?: unknown;
  readonly sent_at?: unknown;
  readonly events?: unknown;
}

function parseEnvelope(text: string): { readonly marked: boolean; readonly members: EnvelopeMembers } {
  const marked = hasDelicateNumbers(text);
  let parsed: unknown;
  try {
    parsed = marked ? parseMarked(text) : JSON.parse(text);
  } catch (error) {
    throw invalidJson(error);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw notAnEnvelope();
  return { marked, members: parsed };
}

function envelopeOf({ token, sent_at, events }: EnvelopeMembers): Pick<Envelope, 'token' | 'sentAt'> {
  if (events !== undefined && events !== null && !Array.isArray(events)) {
    throw new IngestError('invalid_envelope', '"events" must be an array');
  }
  const sentAt = parseInstant(sent_at);
  if (sentAt === 'invalid') {
    throw new IngestError(
      'invalid_envelope',
      '"sent_at" must be an RFC 3339 time with a zone, or integer epoch milliseconds',
    );
  }
  return {
    token: typeof token === 'string' && !isMarkedNumber(token) ? token : null,
    sentAt: sentAt === 'missing' ? null : sentAt,
  };
}
