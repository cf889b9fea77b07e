/** Cuts the JSON envelope of a large body into its members, and its events into groups, without parsing the events. */
import { isSpace, JsonWalk, PIECE_BYTES, parseJson, type Slice, skipSpace } from '@weir/base';
import { IngestError } from '../errors.js';
import { parseMarked } from '../exact-numbers.js';
import type { EnvelopeMembers } from './envelope.js';
import {
  ElementGroup,
  EVENT_TEXT_LIMITS,
  type EventGroup,
  invalidJson,
  notAnEnvelope,
  textReason,
  tooMany,
  Unreadable,
} from './event-group.js';

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;

/** Longest name of a member of the envelope, bytes. */
const MAX_NAME_BYTES = 1_000;
/** Levels of a member that Weir ignores. */
const MAX_MEMBER_DEPTH = 500;
/** White space that is passed between two looks at the clock. */
const STEP_BYTES = 128 * 1024;

/** Events of one group: more tiny ones would take too long to decode in one slice. */
const GROUP_EVENTS = 500;

/** A cut envelope. */
export interface CutEnvelope {
  readonly members: EnvelopeMembers;
  readonly groups: readonly EventGroup[];
}

/**
 * Cuts a body.
 * @throws IngestError `invalid_json`, `invalid_envelope`, `batch_too_large`. What is wrong inside an event shows when its
 * group is parsed.
 */
export async function cutEnvelope(body: Buffer, maxEvents: number, slice: Slice): Promise<CutEnvelope> {
  const cutter = new Cutter(body, maxEvents, slice);
  return { members: await cutter.members(), groups: cutter.groups };
}

class Cutter {
  groups: EventGroup[] = [];
  readonly #body: Buffer;
  readonly #maxEvents: number;
  readonly #slice: Slice;
  #at = 0;

  constructor(body: Buffer, maxEvents: number, slice: Slice) {
    this.#body = body;
    this.#maxEvents = maxEvents;
    this.#slice = slice;
  }

  async members(): Promise<EnvelopeMembers> {
    const members: Record<string, unknown> = {};
    await this.#space();
    if (this.#next() !== OPEN_BRACE) throw notAnEnvelope();
    this.#at += 1;
    if (this.#next() === CLOSE_BRACE) this.#at += 1;
    else {
      do {
        const key = await this.#key();
        const value = await this.#member(key);
        if (key === 'token' || key === 'sent_at' || key === 'events') members[key] = value;
      } while (this.#hasMore(CLOSE_BRACE));
    }
    await this.#space();
    if (this.#next() !== undefined) throw invalidJson(null);
    return members;
  }

  async #key(): Promise<string> {
    if (this.#next() !== QUOTE) throw invalidJson(null);
    const start = this.#at;
    const { at } = await this.#walk();
    if (at - start > MAX_NAME_BYTES) {
      throw new IngestError('invalid_envelope', `a name in the body has more than ${MAX_NAME_BYTES} bytes`);
    }
    const key = parsed(this.#body.toString('utf8', start, at), start);
    if (this.#next() !== COLON || typeof key !== 'string') throw invalidJson(null);
    this.#at += 1;
    return key;
  }

  /** The value of a member of the envelope. An array of events is cut, and an empty one stands for it. */
  async #member(key: string): Promise<unknown> {
    if (key === 'events') this.groups = [];
    if (key === 'events' && this.#next() === OPEN_BRACKET) {
      await this.#cutEvents();
      return [];
    }
    const start = this.#at;
    const { at } = await this.#walk();
    const text = this.#body.subarray(start, at);
    if (text.length <= PIECE_BYTES) return parsed(text.toString('utf8'), start);
    // Weir uses no member this large, but ignored members must still be valid JSON.
    try {
      return await parseJson(text, {
        maxItems: EVENT_TEXT_LIMITS.items,
        maxDepth: MAX_MEMBER_DEPTH,
        slice: this.#slice,
      });
    } catch (error) {
      if (error instanceof SyntaxError) throw invalidJson(error);
      throw new IngestError('invalid_envelope', `${JSON.stringify(key.slice(0, 100))} is too large`, {
        cause: error,
      });
    }
  }

  async #cutEvents(): Promise<void> {
    this.#at += 1;
    if (this.#next() === CLOSE_BRACKET) {
      this.#at += 1;
      return;
    }
    let count = 0;
    let group = { start: this.#at, end: this.#at, count: 0 };
    const close = (nextStart: number): void => {
      if (group.count > 0)
        this.groups.push(new ElementGroup(this.#body, group.start, group.end, group.count));
      group = { start: nextStart, end: nextStart, count: 0 };
    };
    do {
      if (isSpace(this.#body[this.#at])) await this.#space();
      this.#next();
      const start = this.#at;
      const walked = await this.#walk();
      if (walked.at === start) throw invalidJson(null);
      count += 1;
      if (count > this.#maxEvents) throw tooMany(this.#maxEvents);
      const reason = textReason(walked.at - start, walked);
      if (reason !== null || walked.at - group.start > PIECE_BYTES || group.count === GROUP_EVENTS)
        close(start);
      if (reason === null) {
        if (group.count === 0) group.start = start;
        group.end = walked.at;
        group.count += 1;
      } else {
        this.groups.push({ parse: () => ({ events: [new Unreadable(reason)], marked: false }) });
      }
    } while (this.#hasMore(CLOSE_BRACKET));
    close(this.#at);
  }

  /** Passes a comma, or the end of the container. @returns whether there was a comma */
  #hasMore(end: number): boolean {
    const c = this.#next();
    if (c !== COMMA && c !== end) throw invalidJson(null);
    this.#at += 1;
    return c === COMMA;
  }

  /** Passes white space that may be long. */
  async #space(): Promise<void> {
    for (let next = this.#at; ; ) {
      next = skipSpace(this.#body, this.#at, this.#at + STEP_BYTES);
      if (next < this.#at + STEP_BYTES) return;
      this.#at = next;
      if (this.#slice.isOver) await this.#slice.next();
    }
  }

  /** Passes white space. @returns the byte behind it */
  #next(): number | undefined {
    this.#at = skipSpace(this.#body, this.#at);
    return this.#body[this.#at];
  }

  /** Passes a value and the white space behind it. */
  async #walk(): Promise<JsonWalk> {
    const walk = new JsonWalk(this.#body, this.#at);
    while (!walk.step()) if (this.#slice.isOver) await this.#slice.next();
    if (this.#slice.isOver) await this.#slice.next();
    this.#at = walk.at;
    if (isSpace(this.#body[this.#at])) await this.#space();
    return walk;
  }
}

function parsed(text: string, offset: number): unknown {
  try {
    return parseMarked(text);
  } catch (error) {
    throw invalidJson(error, offset);
  }
}
