/** Events of a body that are decoded together, in one slice of the event loop. */
import { JsonWalk, skipSpace } from '@weir/base';
import { decodeEvent, type OnIgnoredId, type Refusal } from '../decode.js';
import { IngestError } from '../errors.js';
import type { Event } from '../event.js';
import { parseMarked } from '../exact-numbers.js';
import { mayHoldSurrogates } from '../odd-values.js';
import { firstBareWord } from './bare-word.js';
import { EventScan } from './event-scan.js';

/** See the head of this file. */
export interface EventGroup {
  /**
   * Decodes the next event.
   * @returns the event, or the reason of its rejection; null after the last one
   * @throws IngestError `invalid_json`
   */
  next(onIgnoredId: OnIgnoredId): Event | Refusal | null;
}

/** A rejected event as a separate group. */
export function refusedAlone(reason: string): EventGroup {
  let refusal: Refusal | null = { reason };
  return {
    next: () => {
      const next = refusal;
      refusal = null;
      return next;
    },
  };
}

/** Limits of the text of one event. */
export const EVENT_TEXT_LIMITS = {
  /** Bytes: three times the largest event, because escapes and white space may take more room than their content. */
  bytes: 3 * 1024 * 1024,
  /** Values, counting containers and members: each is an object while the event is parsed. */
  items: 30_000,
  /** Names in objects: tens of thousands of different names cost the parser 3 µs each. */
  names: 10_000,
} as const;

/** Why the text of an event is rejected without parsing; null if it is parsed. */
export function textReason(
  bytes: number,
  { items, names }: Pick<JsonWalk, 'items' | 'names'>,
): string | null {
  if (bytes > EVENT_TEXT_LIMITS.bytes) return 'event larger than 1 MiB';
  if (items > EVENT_TEXT_LIMITS.items) return `event holds more than ${EVENT_TEXT_LIMITS.items} values`;
  return names > EVENT_TEXT_LIMITS.names ? `event holds more than ${EVENT_TEXT_LIMITS.names} names` : null;
}

/** Events from `parseMarked`. */
export class ParsedGroup implements EventGroup {
  readonly #events: readonly unknown[];
  readonly #surrogates: boolean;
  #index = 0;

  constructor(events: readonly unknown[], surrogates: boolean) {
    this.#events = events;
    this.#surrogates = surrogates;
  }

  next(onIgnoredId: OnIgnoredId): Event | Refusal | null {
    if (this.#index === this.#events.length) return null;
    const raw = this.#events[this.#index];
    this.#index += 1;
    return decodeEvent(raw, { marked: true, surrogates: this.#surrogates, onIgnoredId });
  }
}

const COMMA = 0x2c;

/** Consecutive elements of a JSON array. */
export class ElementGroup implements EventGroup {
  /** The elements and the text between them. */
  readonly #text: Buffer;
  readonly #start: number;
  #left: number;
  #scan: EventScan | null = null;
  /** Offset of the next element in the scanned part of the body. */
  #at = 0;

  /**
   * @param start of the first element
   * @param end of the last element
   * @param count of elements; the text must contain exactly this number
   */
  constructor(body: Buffer, start: number, end: number, count: number) {
    this.#text = body.subarray(start, end);
    this.#start = start;
    this.#left = count;
  }

  next(onIgnoredId: OnIgnoredId): Event | Refusal | null {
    if (this.#left === 0) return null;
    this.#left -= 1;
    const text = this.#text;
    this.#scan ??= new EventScan(text);
    const start = this.#at;
    const event = this.#scan.event(start);
    const end = event === undefined ? endOf(text, start) : this.#scan.end;
    this.#at = skipSpace(text, end);
    if (this.#left === 0 ? this.#at !== text.length : text[this.#at] !== COMMA) throw invalidJson(null);
    if (this.#left > 0) this.#at = skipSpace(text, this.#at + 1);
    if (event) return event;
    const marked = event === undefined || this.#scan.hasDelicateNumber;
    return parseEvent(text, { start, end, marked }, onIgnoredId, this.#start);
  }
}

/** The position of an event in a body. */
export interface EventPlace {
  readonly start: number;
  readonly end: number;
  /** Whether `JSON.parse` could change the digits of a number. */
  readonly marked: boolean;
}

/**
 * Decodes an event that is not ordinary (see event-scan).
 * @param offset of `body` in the body of the request
 * @throws IngestError `invalid_json`
 */
export function parseEvent(
  body: Buffer,
  { start, end, marked }: EventPlace,
  onIgnoredId: OnIgnoredId,
  offset = 0,
): Event | Refusal {
  const text = body.toString('utf8', start, end);
  let raw: unknown;
  try {
    raw = parseText(text, marked);
  } catch (error) {
    throw invalidJson(error, text, offset + start);
  }
  return decodeText(raw, { text, marked, onIgnoredId });
}

/** The value of a text. @throws SyntaxError */
export function parseText(text: string, marked: boolean): unknown {
  return marked ? parseMarked(text) : JSON.parse(text);
}

/** How {@link parseText} parsed an event. */
export interface ReadText {
  readonly text: string;
  readonly marked: boolean;
  readonly onIgnoredId: OnIgnoredId;
}

/** Decodes the event of a text. */
export function decodeText(raw: unknown, { text, marked, onIgnoredId }: ReadText): Event | Refusal {
  return decodeEvent(raw, { marked, surrogates: mayHoldSurrogates(text), onIgnoredId });
}

/** The end of a value that is not JSON, or nested deeper than the scan supports. */
function endOf(text: Buffer, start: number): number {
  const walk = new JsonWalk(text, start);
  while (!walk.step());
  return walk.at;
}

/** The error for a JSON body that is neither an envelope, nor an event, nor an array of events. */
export function notAnEnvelope(what: string): IngestError {
  return new IngestError('invalid_envelope', what, {
    hint: EVENTS_AS_JSON,
  });
}

/**
 * The error for a body that is not JSON.
 * @param text that was parsed
 * @param offset of the text in the body
 */
export function invalidJson(cause: unknown, text = '', offset = 0): IngestError {
  return new IngestError('invalid_json', `the body is not JSON: ${complaintOf(cause, text, offset)}`, {
    cause,
  });
}

const EVENTS_AS_JSON = 'send {"events": [ … ]}, one event object, or an array of events';
const EVENTS_AS_LINES = 'for one event a line (NDJSON), send the header "content-type: application/x-ndjson"';

/** The error for a body without content. */
export function emptyBody(): IngestError {
  return new IngestError('invalid_json', 'the body is empty', { hint: EVENTS_AS_JSON });
}

/** The hint for a body that is not JSON: some clients send NDJSON with the media type of JSON. */
export function hintForText(text: Buffer): string {
  return looksLikeLines(text) ? EVENTS_AS_LINES : EVENTS_AS_JSON;
}

const NEWLINE = 0x0a;

/** Whether the first line ends an object and the second starts one. */
function looksLikeLines(text: Buffer): boolean {
  const newline = text.indexOf(NEWLINE);
  if (newline < 0) return false;
  const first = text.toString('utf8', Math.max(0, newline - NEAR), newline).trimEnd();
  const second = text.toString('utf8', newline, newline + NEAR).trimStart();
  return first.endsWith('}') && second.startsWith('{');
}

/** Characters around a line end to check. */
const NEAR = 64;

/** The error of a text: the parser's message without its quote of the text, or a word that is not JSON. */
export function complaintOf(error: unknown, text: string, offset = 0): string {
  const word = firstBareWord(text);
  if (word !== null) {
    return `${word.text} at position ${word.at + offset} is no JSON value; send null or leave the member out`;
  }
  const message = error instanceof Error ? error.message : String(error);
  const position = /at position (\d+)/.exec(message)?.[1];
  return position === undefined
    ? 'it ends too early or holds an unexpected character'
    : `unexpected character at position ${Number(position) + offset}`;
}
