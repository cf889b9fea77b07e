/** Splits a large JSON body into its members, and its events into groups, without parsing the events. */
import { isSpace, JsonWalk, PIECE_BYTES, parseJson, type Slice, skipSpace } from '@weir/base';
import { IngestError, tooMany } from '../errors.js';
import { parseMarked } from '../exact-numbers.js';
import { mayHoldSurrogates } from '../odd-values.js';
import { ENVELOPE_NAMES, type EnvelopeMembers, eventOf, placeOfEvents } from './envelope-members.js';
import {
  ElementGroup,
  EVENT_TEXT_LIMITS,
  type EventGroup,
  invalidJson,
  notAnEnvelope,
  ParsedGroup,
  refusedAlone,
  textReason,
} from './event-group.js';

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;

/** Maximum length of a member name of the envelope, bytes. */
const MAX_NAME_BYTES = PIECE_BYTES;
/** Maximum nesting of a member that Weir ignores. */
const MAX_MEMBER_DEPTH = 500;
/** White space skipped between two checks of the clock. */
const STEP_BYTES = 128 * 1024;

/** Maximum events of one group: more tiny events would take too long to decode in one slice. */
const GROUP_EVENTS = 500;

/** A split body. */
export interface CutBody {
  readonly members: EnvelopeMembers;
  readonly groups: readonly EventGroup[];
}

/**
 * Splits a body.
 * @throws IngestError `invalid_json`, `invalid_envelope`, `batch_too_large`. Errors inside an event appear when its
 *   group is parsed.
 */
export async function cutBody(body: Buffer, maxEvents: number, slice: Slice): Promise<CutBody> {
  return await new Cutter(body, maxEvents, slice).cut();
}

/** A large member that is not an event. */
interface LargeMember {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

class Cutter {
  readonly #groups: Record<'events' | 'batch', EventGroup[]> = { events: [], batch: [] };
  /** Each has more than {@link PIECE_BYTES}, so a body contains few. */
  readonly #large: LargeMember[] = [];
  readonly #body: Buffer;
  readonly #maxEvents: number;
  readonly #slice: Slice;
  #at = 0;

  constructor(body: Buffer, maxEvents: number, slice: Slice) {
    this.#body = body;
    this.#maxEvents = maxEvents;
    this.#slice = slice;
  }

  async cut(): Promise<CutBody> {
    await this.#space();
    const start = this.#at;
    const members = await this.#root();
    const end = this.#at;
    await this.#space();
    if (this.#next() !== undefined) throw invalidJson(null);
    const place = placeOfEvents(members);
    if (place === 'body') return { members, groups: [await this.#oneEvent(start, end)] };
    for (const member of this.#large) await this.#check(member);
    return { members, groups: this.#groups[place] };
  }

  async #root(): Promise<EnvelopeMembers> {
    const first = this.#next();
    if (first === OPEN_BRACKET) {
      await this.#cutEvents(this.#groups.events);
      return { events: [] };
    }
    if (first !== OPEN_BRACE) throw notAnEnvelope('the body is no JSON object');
    const members: Record<string, unknown> = {};
    this.#at += 1;
    if (this.#next() === CLOSE_BRACE) this.#at += 1;
    else {
      do {
        const key = await this.#key();
        const value = await this.#member(key);
        if (ENVELOPE_NAMES.has(key)) members[key] = value;
      } while (this.#hasMore(CLOSE_BRACE));
    }
    return members;
  }

  /** The body as the only event. */
  async #oneEvent(start: number, end: number): Promise<EventGroup> {
    const walk = new JsonWalk(this.#body, start);
    while (!walk.step()) if (this.#slice.isOver) await this.#slice.next();
    const reason = textReason(end - start, walk);
    if (reason !== null) return refusedAlone(reason);
    const text = this.#body.toString('utf8', start, end);
    // The cast holds: the text begins with a brace.
    const event = eventOf(parsed(text, start) as EnvelopeMembers);
    return new ParsedGroup([event], mayHoldSurrogates(text));
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

  /** The value of a member of the envelope. An array of events is split, and replaced by an empty one. */
  async #member(key: string): Promise<unknown> {
    if (key === 'events' || key === 'batch') {
      this.#groups[key] = [];
      if (this.#next() === OPEN_BRACKET) {
        await this.#cutEvents(this.#groups[key]);
        return [];
      }
    }
    const start = this.#at;
    const { at: end } = await this.#walk();
    const text = this.#body.subarray(start, end);
    if (text.length <= PIECE_BYTES) return parsed(text.toString('utf8'), start);
    this.#large.push({ key, start, end });
    return undefined;
  }

  /** Weir uses no member this large, but ignored members must be valid JSON too. */
  async #check({ key, start, end }: LargeMember): Promise<void> {
    try {
      await parseJson(this.#body.subarray(start, end), {
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

  async #cutEvents(groups: EventGroup[]): Promise<void> {
    this.#at += 1;
    if (this.#next() === CLOSE_BRACKET) {
      this.#at += 1;
      return;
    }
    let count = 0;
    let group = { start: this.#at, end: this.#at, count: 0 };
    const close = (nextStart: number): void => {
      if (group.count > 0) groups.push(new ElementGroup(this.#body, group.start, group.end, group.count));
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
        groups.push(refusedAlone(reason));
      }
    } while (this.#hasMore(CLOSE_BRACKET));
    close(this.#at);
  }

  /** Skips a comma, or the end of the container. @returns whether there was a comma */
  #hasMore(end: number): boolean {
    const c = this.#next();
    if (c !== COMMA && c !== end) throw invalidJson(null);
    this.#at += 1;
    return c === COMMA;
  }

  /** Skips possibly long white space. */
  async #space(): Promise<void> {
    for (let next = this.#at; ; ) {
      next = skipSpace(this.#body, this.#at, this.#at + STEP_BYTES);
      if (next < this.#at + STEP_BYTES) return;
      this.#at = next;
      if (this.#slice.isOver) await this.#slice.next();
    }
  }

  /** Skips white space. @returns the byte after it */
  #next(): number | undefined {
    this.#at = skipSpace(this.#body, this.#at);
    return this.#body[this.#at];
  }

  /** Skips a value and the white space after it. */
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
    throw invalidJson(error, text, offset);
  }
}
