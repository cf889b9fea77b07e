import { isUtf8 } from 'node:buffer';
import { JsonWalk, parseJson, Slice, skipSpace, WeirError } from '@weir/base';
import { StreamError } from '@weir/channel/stream';

/** A JSON value with its source text, so that a number too large for JavaScript keeps its digits. */
export interface JsonValue {
  readonly value: unknown;
  readonly text: string;
}

/** Limits of a body: its values are built, and each level and value costs every reader work. */
const MAX_DEPTH = 1_000;
const MAX_ITEMS = 250_000;

const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * The values of a body: the elements of an array, or the single value.
 * @param owner whose work this is, such as the project
 * @throws StreamError `invalid_message`
 */
export async function jsonValuesOf(body: Uint8Array, owner: string): Promise<JsonValue[]> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!isUtf8(bytes)) throw invalid('the body is not JSON: it is not UTF-8');
  const slice = new Slice({ owner });
  const value = await parse(bytes, slice);
  if (!Array.isArray(value)) return [{ value, text: bytes.toString('utf8').trim() }];
  const texts = await elementTexts(bytes, slice);
  return value.map((element: unknown, i) => ({ value: element, text: texts[i] ?? '' }));
}

async function parse(bytes: Buffer, slice: Slice): Promise<unknown> {
  try {
    return await parseJson(bytes, { maxDepth: MAX_DEPTH, maxItems: MAX_ITEMS, slice });
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid(`the body is not JSON: ${error.message}`);
    if (!(error instanceof WeirError)) throw error;
    throw invalid(error.message, 'send several smaller messages, or large ones as text');
  }
}

/** The source texts of the elements of a parsed array. */
async function elementTexts(bytes: Buffer, slice: Slice): Promise<string[]> {
  const texts: string[] = [];
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_BRACKET) return texts;
  do {
    const start = skipSpace(bytes, at + 1);
    if (bytes[start] === CLOSE_BRACKET) break;
    const walk = new JsonWalk(bytes, start);
    while (!walk.step()) if (slice.isOver) await slice.next();
    if (slice.isOver) await slice.next();
    texts.push(bytes.toString('utf8', start, walk.at).trimEnd());
    at = skipSpace(bytes, walk.at);
  } while (bytes[at] !== CLOSE_BRACKET);
  return texts;
}

function invalid(detail: string, hint?: string): StreamError {
  return new StreamError('invalid_message', detail, hint === undefined ? {} : { hint });
}
