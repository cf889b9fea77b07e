import { StreamError } from '@weir/stream';

/** A value of JSON, and how it was written: a number too large for JavaScript stays what it is. */
export interface JsonValue {
  readonly value: unknown;
  readonly text: string;
}

/** Deeper than anybody means it: reading millions of levels would keep everybody else waiting. */
const MAX_DEPTH = 1_000;
/** Commas and brackets of a body: building the values of more would keep everybody else waiting too. */
const MAX_MARKS = 250_000;

/**
 * The values of a body: of an array its elements, else the one it is.
 * @throws StreamError `invalid_message`
 */
export function jsonValuesOf(body: Uint8Array): JsonValue[] {
  const text = textOf(body);
  const commas = commasOf(text);
  const value = parse(text);
  if (!Array.isArray(value)) return [{ value, text }];
  const ends = [...commas, text.length - 1];
  return value.map((element: unknown, i) => {
    const start = i === 0 ? 1 : (ends[i - 1] ?? 0) + 1;
    return { value: element, text: text.slice(start, ends[i]).trim() };
  });
}

function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body).trim();
  } catch {
    throw new StreamError('invalid_message', 'the body is not JSON: it is not UTF-8');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it cannot be parsed';
    throw new StreamError('invalid_message', `the body is not JSON: ${reason}`);
  }
}

/** Where the commas of the outermost array or object are. */
function commasOf(text: string): number[] {
  const commas: number[] = [];
  let depth = 0;
  let marks = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      at = endOfString(text, at);
      continue;
    }
    if (char === '[' || char === '{') depth += 1;
    else if (char === ']' || char === '}') depth -= 1;
    else if (char !== ',') continue;
    if (char === ',' && depth === 1) commas.push(at);
    marks += 1;
    if (depth > MAX_DEPTH) {
      throw new StreamError('invalid_message', `the body is nested deeper than ${MAX_DEPTH} levels`);
    }
    if (marks > MAX_MARKS) {
      throw new StreamError('invalid_message', `the body has more than ${MAX_MARKS} commas and brackets`, {
        hint: 'send several smaller messages, or large ones as text',
      });
    }
  }
  return commas;
}

/** Where the string that begins at a place ends; the end of the text where it does not. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at;
  }
  return text.length;
}
