/** Splits an NDJSON body into groups of lines. */
import { JsonWalk, PIECE_BYTES, type Slice, skipSpace } from '@weir/base';
import type { OnIgnoredId, Refusal } from '../decode.js';
import { tooMany } from '../errors.js';
import type { Event } from '../event.js';
import { complaintOf, decodeText, type EventGroup, parseText, textReason } from './event-group.js';
import { EventScan } from './event-scan.js';

const NEWLINE = 0x0a;
const SPACE = 0x20;

/** Lines of one group. */
const GROUP_LINES = 500;

/**
 * Splits a body. Blank lines are skipped.
 * @throws IngestError `batch_too_large`
 */
export async function cutLines(body: Buffer, maxEvents: number, slice: Slice): Promise<EventGroup[]> {
  const groups: EventGroup[] = [];
  let lines: Line[] = [];
  let groupStart = 0;
  let count = 0;
  const close = (): void => {
    if (lines.length > 0) groups.push(new LineGroup(body, lines));
    lines = [];
  };
  for (let start = 0; start < body.length; ) {
    if (slice.isOver) await slice.next();
    const newline = body.indexOf(NEWLINE, start);
    const end = newline < 0 ? body.length : newline;
    let first = firstVisible(body, start, end);
    while (first < end && isBlank(body[first])) {
      if (slice.isOver) await slice.next();
      first = firstVisible(body, first, end);
    }
    start = end + 1;
    if (first === end) continue;
    count += 1;
    if (count > maxEvents) throw tooMany(maxEvents);
    if (end - groupStart > PIECE_BYTES || lines.length === GROUP_LINES) close();
    if (lines.length === 0) groupStart = first;
    lines.push({ start: first, end, reason: await reasonOf(body, first, end, slice) });
  }
  close();
  return groups;
}

interface Line {
  readonly start: number;
  readonly end: number;
  /** Why it is not parsed; null if it is. */
  readonly reason: string | null;
}

class LineGroup implements EventGroup {
  readonly #body: Buffer;
  readonly #lines: readonly Line[];
  /** The offset of the group in the body. */
  readonly #offset: number;
  /** The group; offsets of the scan are relative to it. */
  readonly #text: Buffer;
  #index = 0;
  #scan: EventScan | null = null;

  constructor(body: Buffer, lines: readonly Line[]) {
    this.#body = body;
    this.#lines = lines;
    this.#offset = lines[0]?.start ?? 0;
    this.#text = body.subarray(this.#offset, lines.at(-1)?.end);
  }

  next(onIgnoredId: OnIgnoredId): Event | Refusal | null {
    const line = this.#lines[this.#index];
    if (line === undefined) return null;
    this.#index += 1;
    const { start, end, reason } = line;
    if (reason !== null) return { reason };
    const [text, offset] = [this.#text, this.#offset];
    this.#scan ??= new EventScan(text);
    const event = this.#scan.event(start - offset);
    // JSON white space includes line ends, so the scan can run into the next line.
    if (event && skipSpace(text, this.#scan.end, end - offset) === end - offset) return event;
    const marked = event === undefined || this.#scan.hasDelicateNumber;
    const json = this.#body.toString('utf8', start, end);
    let raw: unknown;
    try {
      raw = parseText(json, marked);
    } catch (error) {
      return { reason: `not JSON: ${complaintOf(error, json)}` };
    }
    return decodeText(raw, { text: json, marked, onIgnoredId });
  }
}

/** Bytes of white space skipped between two checks of the clock. */
const STEP_BYTES = 128 * 1024;

function isBlank(byte: number | undefined): boolean {
  return byte !== undefined && byte <= SPACE;
}

/**
 * The first byte of a line that is not white space, searched in steps of {@link STEP_BYTES}; `end` for a blank line.
 */
function firstVisible(body: Buffer, start: number, end: number): number {
  const stop = Math.min(end, start + STEP_BYTES);
  let at = start;
  while (at < stop && isBlank(body[at])) at += 1;
  return at;
}

async function reasonOf(body: Buffer, start: number, end: number, slice: Slice): Promise<string | null> {
  // A short line contains few values.
  if (end - start <= PIECE_BYTES) return null;
  const walk = new JsonWalk(body.subarray(start, end), 0);
  while (!walk.step()) if (slice.isOver) await slice.next();
  return textReason(end - start, walk);
}
