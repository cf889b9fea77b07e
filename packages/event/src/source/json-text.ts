import { isUtf8 } from 'node:buffer';
import type { JsonValue } from '../json.js';

/**
 * Encodes bytes as JSON text: unchanged if they are JSON and `mayBeJson` is true, so that numbers keep their digits;
 * otherwise as a string if they are UTF-8; otherwise as `{"base64": …}`.
 */
export function jsonTextOf(bytes: Uint8Array, mayBeJson = true): string {
  if (!isUtf8(bytes)) return JSON.stringify({ base64: Buffer.from(bytes).toString('base64') });
  const text = Buffer.from(bytes).toString('utf8');
  return mayBeJson && isJson(text) ? text : JSON.stringify(text);
}

function isJson(text: string): boolean {
  return parsedJson(text) !== undefined;
}

/** Parses JSON; undefined if the text is invalid. */
export function parsedJson(text: string): JsonValue | undefined {
  try {
    // JSON.parse returns exactly the type JsonValue.
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Maps each name to its text, or to a list if it has several, such as headers. */
export function namedTexts(
  entries: Iterable<readonly [string, readonly string[]]>,
): Record<string, string | readonly string[]> {
  return Object.fromEntries(
    [...entries].map(([name, texts]) => [name, texts.length === 1 ? (texts[0] ?? '') : texts]),
  );
}
