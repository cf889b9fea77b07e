/**
 * Splits a request body into its events, not decoded yet. A body is `{"token"?, "sent_at"?, "events": [...]}` (or
 * `batch`), an array of events, one event with the envelope's `token` and `sent_at` among its members, or NDJSON with
 * one event on each line.
 *
 * The events of a small body are scanned here, and a small body of unusual form is parsed as a whole. A large body is
 * only split into groups of events; `decodeBatch` decodes group by group and yields to the event loop between them.
 */
import { isUtf8 } from 'node:buffer';
import { PIECE_BYTES, type Slice, skipSpace, withoutMark } from '@weir/base';
import { IngestError, tooMany } from '../errors.js';
import { isMarkedNumber, parseMarked } from '../exact-numbers.js';
import { mayHoldSurrogates } from '../odd-values.js';
import { INSTANT_FORMS, parseInstant } from '../timestamp.js';
import { cutBody } from './cut-body.js';
import { cutLines } from './cut-lines.js';
import { type EnvelopeMembers, eventOf, placeOfEvents } from './envelope-members.js';
import {
  type EventGroup,
  emptyBody,
  hintForText,
  invalidJson,
  notAnEnvelope,
  ParsedGroup,
} from './event-group.js';
import { scanEnvelope } from './scan-envelope.js';

/** The format of the events in the body. */
export type BodyFormat = 'json' | 'ndjson';

/** The envelope of a body, and its events in groups. */
export interface Envelope {
  /** The token in the body, if there is one. */
  readonly token: string | null;
  /** The client's clock at the time of sending, epoch milliseconds. */
  readonly sentAt: number | null;
  readonly groups: readonly EventGroup[];
}

/**
 * Reads the envelope of an unpacked body.
 * @param maxEvents maximum events of a body; rejected ones count too, because rejecting also costs time
 * @param slice yields to the event loop for large bodies
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
  // A longer body of white space is checked piece by piece below.
  if (text.length <= PIECE_BYTES && skipSpace(text, 0) === text.length) throw emptyBody();
  try {
    return await readJson(text, maxEvents, slice);
  } catch (error) {
    if (!(error instanceof IngestError) || error.code !== 'invalid_json') throw error;
    throw new IngestError('invalid_json', error.message, { cause: error.cause, hint: hintForText(text) });
  }
}

async function readJson(text: Buffer, maxEvents: number, slice: Slice): Promise<Envelope> {
  if (text.length > PIECE_BYTES) {
    const { members, groups } = await cutBody(text, maxEvents, slice);
    return { ...surroundings(members), groups };
  }
  const scanned = scanEnvelope(text, maxEvents);
  if (scanned !== null) return { ...surroundings(scanned.members), groups: [scanned.events] };
  const { members, surrogates } = parseWhole(text.toString('utf8'));
  const events = eventsOf(members);
  if (events.length > maxEvents) throw tooMany(maxEvents);
  return { ...surroundings(members), groups: [new ParsedGroup(events, surrogates)] };
}

interface Whole {
  readonly members: EnvelopeMembers;
  readonly surrogates: boolean;
}

function parseWhole(text: string): Whole {
  let root: unknown;
  try {
    root = parseMarked(text);
  } catch (error) {
    throw invalidJson(error, text);
  }
  if (typeof root !== 'object' || root === null) throw notAnEnvelope('the body is no JSON object');
  const members = Array.isArray(root) ? { events: root } : root;
  return { members, surrogates: mayHoldSurrogates(text) };
}

/** The events of a body that is an object. */
function eventsOf(members: EnvelopeMembers): readonly unknown[] {
  const place = placeOfEvents(members);
  // The cast holds: placeOfEvents names an array.
  return place === 'body' ? [eventOf(members)] : (members[place] as readonly unknown[]);
}

function surroundings({ token, sent_at }: EnvelopeMembers): Pick<Envelope, 'token' | 'sentAt'> {
  const sentAt = parseInstant(sent_at);
  if (sentAt === 'invalid') {
    throw new IngestError('invalid_envelope', `"sent_at" is not ${INSTANT_FORMS}`);
  }
  return {
    token: typeof token === 'string' && !isMarkedNumber(token) ? token : null,
    // A clock in seconds, or at 0, does not show the error of the timestamps.
    sentAt: typeof sentAt === 'number' ? sentAt : null,
  };
}
