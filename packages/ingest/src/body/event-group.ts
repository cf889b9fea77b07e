/** Events of a body that are parsed together, in one slice of the event loop. */
import type { JsonWalk } from '@weir/base';
import { IngestError } from '../errors.js';
import { hasDelicateNumbers, parseMarked } from '../exact-numbers.js';

/** Events as parsed, not decoded. */
export interface ParsedEvents {
  /** Each as `JSON.parse` gave it, or why it was not parsed. */
  readonly events: readonly (unknown | Unreadable)[];
  /** Whether numbers stand under the mark of exact-numbers. */
  readonly marked: boolean;
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
      throw invalidJson(error, this.#start - 1);
    }
    if (events.length !== this.#count) throw invalidJson(null);
    return { events, marked };
  }
}

/** The error for a body that is JSON and no object. */
export function notAnEnvelope(): IngestError {
  return new IngestError('invalid_envelope', 'the body must be a JSON object: {"events": [ … ]}');
}

/** The error for more events than a body may hold. */
export function tooMany(maxEvents: number): IngestError {
  return new IngestError('batch_too_large', `a batch holds at most ${maxEvents} events`);
}

/**
 * The error for a body that is not JSON.
 * @param offset where the text of the parser begins in the body
 */
export function invalidJson(cause: unknown, offset = 0): IngestError {
  return new IngestError('invalid_json', `the body is not JSON: ${complaintOf(cause, offset)}`, { cause });
}

/** The parser's complaint without the body's text, which it quotes. */
export function complaintOf(error: unknown, offset = 0): string {
  const message = error instanceof Error ? error.message : String(error);
  const position = /at position (\d+)/.exec(message)?.[1];
  return position === undefined
    ? 'it ends too early or holds an unexpected character'
    : `unexpected character at position ${Number(position) + offset}`;
}
