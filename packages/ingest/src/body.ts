/**
 * A request body into events: `{"token"?, "sent_at"?, "events": [...]}` or NDJSON, an event a line.
 */
import { isUtf8 } from 'node:buffer';
import { correctClock } from './clock-skew.js';
import { decodeEvent, isRefusal } from './decode.js';
import { IngestError } from './errors.js';
import type { ValidationError } from './event.js';
import { hasDelicateNumbers, isMarkedNumber, parseMarked } from './exact-numbers.js';
import { parseInstant } from './timestamp.js';
import { invalidReason, type ValidEvent } from './validate.js';

/** How the events stand in the body. */
export type BodyFormat = 'json' | 'ndjson';

/** A parsed body, its events not looked at yet. */
export interface Envelope {
  /** The body's own token, where it carries one. */
  readonly token: string | null;
  /** The client's clock when it sent, in epoch milliseconds. */
  readonly sentAt: number | null;
  /** Each element of `events` as parsed, or as a line that could not be. */
  readonly events: readonly unknown[];
  /** Whether numbers stand under the mark of exact-numbers. */
  readonly marked: boolean;
}

/** The events of a request, sorted into those to keep and those refused by index. */
export interface DecodedBatch {
  readonly valid: readonly ValidEvent[];
  readonly rejected: readonly ValidationError[];
}

/** A line of NDJSON that is not JSON. */
class UnreadableLine {
  constructor(readonly reason: string) {}
}

/**
 * Parses a decompressed body.
 * @param maxEvents events a body may hold, valid or not: what each costs to refuse must be bounded too
 * @throws IngestError `invalid_encoding` (not UTF-8), `invalid_json`, `invalid_envelope`, `batch_too_large`
 */
export function parseBody(body: Buffer, format: BodyFormat, maxEvents = Number.POSITIVE_INFINITY): Envelope {
  if (!isUtf8(body)) throw new IngestError('invalid_encoding', 'the body is not UTF-8');
  const text = body.toString('utf8');
  const envelope = format === 'ndjson' ? parseLines(text, maxEvents) : parseEnvelope(text);
  if (envelope.events.length > maxEvents) throw tooMany(maxEvents);
  return envelope;
}

/**
 * Decodes and checks every event, its time corrected by the client's clock error where `sent_at` tells it.
 * @param receivedAt arrival, in epoch milliseconds
 */
export function decodeBatch(envelope: Envelope, receivedAt: number): DecodedBatch {
  const skew = envelope.sentAt === null ? 0 : receivedAt - envelope.sentAt;
  const valid: ValidEvent[] = [];
  const rejected: ValidationError[] = [];
  for (let index = 0; index < envelope.events.length; index += 1) {
    const raw = envelope.events[index];
    const decoded = raw instanceof UnreadableLine ? raw : decodeEvent(raw, envelope.marked);
    const reason = isRefusal(decoded) ? decoded.reason : invalidReason(decoded);
    if (reason !== null) rejected.push({ index, reason });
    // The cast holds: invalidReason names a missing timestamp.
    else valid.push(correctClock(decoded as ValidEvent, skew));
  }
  return { valid, rejected };
}

function parseEnvelope(text: string): Envelope {
  const marked = hasDelicateNumbers(text);
  let parsed: unknown;
  try {
    parsed = marked ? parseMarked(text) : JSON.parse(text);
  } catch (error) {
    throw new IngestError('invalid_json', `the body is not JSON: ${describe(error)}`, { cause: error });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new IngestError('invalid_envelope', 'the body must be a JSON object: {"events": [ … ]}');
  }
  const { token, sent_at, events } = parsed as { token?: unknown; sent_at?: unknown; events?: unknown };
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
    events: events ?? [],
    marked,
  };
}

function parseLines(text: string, maxEvents: number): Envelope {
  const marked = hasDelicateNumbers(text);
  const events: unknown[] = [];
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    const line = text.slice(start, end);
    if (line.trim() === '') continue;
    if (events.length >= maxEvents) throw tooMany(maxEvents);
    try {
      events.push(marked ? parseMarked(line) : JSON.parse(line));
    } catch (error) {
      events.push(new UnreadableLine(`not JSON: ${describe(error)}`));
    }
  }
  return { token: null, sentAt: null, events, marked };
}

function tooMany(maxEvents: number): IngestError {
  return new IngestError('batch_too_large', `a batch holds at most ${maxEvents} events`);
}

/** The parser's complaint without the body's text, which it quotes. */
function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const position = /at position (\d+)/.exec(message)?.[1];
  return position === undefined
    ? 'it ends too early or holds an unexpected character'
    : `unexpected character at position ${position}`;
}
