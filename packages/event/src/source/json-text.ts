import { isUtf8 } from 'node:buffer';
import type { JsonValue } from '../json.js';

/**
 * Bytes as the text of a JSON value: themselves where they are JSON and may be, so that numbers keep their digits; else
 * a string where they are UTF-8; else `{"base64": …}`.
 */
export function jsonTextOf(bytes: Uint8Array, mayBeJson = true): string {
  if (!isUtf8(bytes)) return JSON.stringify({ base64: Buffer.from(bytes).toString('base64') });
  const text = Buffer.from(bytes).toString('utf8');
  return mayBeJson && isJson(text) ? text : JSON.stringify(text);
}

function isJson(text: string): boolean {
  return parsedJson(text) !== undefined;
}

/** The value of a JSON text; undefined when it is none. */
export function parsedJson(text: string): JsonValue | undefined {
  try {
    // JSON.parse gives exactly the values of JsonValue.
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Names with texts that may have several, such as headers: the text, or all of them where there are more. */
export function namedTexts(
  entries: Iterable<readonly [string, readonly string[]]>,
): Record<string, string | readonly string[]> {
  return Object.fromEntries(
    [...entries].map(([name, texts]) => [name, texts.length === 1 ? (texts[0] ?? '') : texts]),
  );
}
