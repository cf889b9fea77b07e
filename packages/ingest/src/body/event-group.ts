/** Events of a body that are parsed together, in one slice of the event loop. */
import type { JsonWalk } from '@weir/base';
import type { ParsedText } from '../decode.js';
import { IngestError } from '../errors.js';
import { hasDelicateNumbers, parseMarked } from '../exact-numbers.js';
import { mayHoldSurrogates } from '../odd-values.js';
import { firstBareWord } from './bare-word.js';

/** Events as parsed, not decoded. */
export interface ParsedEvents extends ParsedText {
  /** Each as `JSON.parse` gave it, or why it was not parsed. */
  readonly events: readonly (unknown | Unreadable)[];
}

/** An event that is refused, as a group of its own. */
export function refusedAlone(reason: string): EventGroup {
  return { parse: () => ({ events: [new Unreadable(reason)], marked: false, surrogates: false }) };
}

/** See the head of this file. */
export interface EventGroup {
  /** Parses them. Call it once. @throws IngestError `invalid_json` */
  parse(): ParsedEvents;
}

/** An event that is refused without being parsed. */
export class Unreadable {
  constructor(readonly reason: string) {}
}

/** Bounds of the text of one event. */
export const EVENT_TEXT_LIMITS = {
  /** Bytes, three times those of the largest event: escapes and white space may take more room than what they stand for. */
  bytes: 3 * 1024 * 1024,
  /** Values, containers and members counted alike: each is an object while the event is parsed. */
  items: 30_000,
  /** Names in objects. Tens of thousands of different ones take a parser 3 µs each. */
  names: 10_000,
} as const;

/** Why the text of an event is refused without being parsed; null if it is parsed. */
export function textReason(
  bytes: number,
  { items, names }: Pick<JsonWalk, 'items' | 'names'>,
): string | null {
  if (bytes > EVENT_TEXT_LIMITS.bytes) return 'event larger than 1 MiB';
  if (items > EVENT_TEXT_LIMITS.items) return `event holds more than ${EVENT_TEXT_LIMITS.items} values`;
  return names > EVENT_TEXT_LIMITS.names ? `event holds more than ${EVENT_TEXT_LIMITS.names} names` : null;
}

/** Consecutive elements of a JSON array. */
export class ElementGroup implements EventGroup {
  readonly #body: Buffer;
  readonly #start: number;
  readonly #end: number;
  readonly #count: number;

  /**
   * @param start of the first element
   * @param end of the last element
   * @param count of elements; parsing must yield exactly this number
   */
  constructor(body: Buffer, start: number, end: number, count: number) {
    this.#body = body;
    this.#start = start;
    this.#end = end;
    this.#count = count;
  }

  parse(): ParsedEvents {
    const text = `[${this.#body.toString('utf8', this.#start, this.#end)}]`;
    const marked = hasDelicateNumbers(text);
    let events: unknown[];
    try {
      // The cast holds: the text is in brackets.
      events = (marked ? parseMarked(text) : JSON.parse(text)) as unknown[];
    } catch (error) {
      throw invalidJson(error, text, this.#start - 1);
    }
    if (events.length !== this.#count) throw invalidJson(null);
    return { events, marked, surrogates: mayHoldSurrogates(text) };
  }
}

/** The error for a body that is JSON and neither an envelope, nor an event, nor an array of events. */
export function notAnEnvelope(what: string): IngestError {
  return new IngestError('invalid_envelope', what, {
    hint: 'send {"events": [ … ]}, one event object, or an array of events',
  });
}

/**
 * The error for a body that is not JSON.
 * @param text that the parser was given
 * @param offset where that begins in the body
 */
export function invalidJson(cause: unknown, text = '', offset = 0): IngestError {
  return new IngestError('invalid_json', `the body is not JSON: ${complaintOf(cause, text, offset)}`, {
    cause,
  });
}

/** What is wrong with a text: the parser's complaint without the text, which it quotes, or a word that JSON does not have. */
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
