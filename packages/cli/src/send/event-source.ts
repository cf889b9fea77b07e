/** Sources of events: the command line, NDJSON files, or standard input. */

import { open } from 'node:fs/promises';
import { codeOf } from '@weir/base';
import { usageError } from '../cli-error.js';
import { readLines } from './lines.js';
import {
  MAX_EVENT_BYTES,
  type OutgoingEvent,
  outgoingEvent,
  type UnsendableEvent,
} from './outgoing-event.js';

/** Events in chunks as they arrive. */
export type EventSource = AsyncIterable<(OutgoingEvent | UnsendableEvent)[]>;

/** Parses NDJSON lines; `file` is named in rejections. */
export async function* eventsOfLines(
  bytes: AsyncIterable<Buffer>,
  file: string | null,
  newId: () => string,
): EventSource {
  let isFirst = true;
  for await (const lines of readLines(bytes, MAX_EVENT_BYTES)) {
    if (isFirst) refuseOtherJson(lines[0]?.bytes?.toString('utf8') ?? '', file);
    isFirst = false;
    yield lines.map((line) => outgoingEvent(line.bytes, { file, line: line.number }, newId));
  }
}

/**
 * Rejects other JSON by its first line; otherwise each line of a pretty-printed document would be a rejected event.
 * @throws CliError `usage` with a command that converts it to NDJSON
 */
function refuseOtherJson(line: string, file: string | null): void {
  const text = line.replace(/^\ufeff/, '').trim();
  const input = file ?? 'standard input';
  const convert = (filter: string) =>
    `Write one event a line: jq -c '${filter}' ${file === null ? '| weir send -' : `${file} | weir send -`}`;
  if (text === '{') throw usageError(`${input} is JSON of several lines, not NDJSON`, convert('.'));
  if (/^\[\s*\{?$/.test(text))
    throw usageError(`${input} is a JSON list of several lines, not NDJSON`, convert('.[]'));
  const name = listIn(text);
  if (name === undefined) return;
  const filter = name === '' ? '.[]' : `.${name}[]`;
  const what = name === '' ? 'a JSON list' : `an object with the list "${name}"`;
  throw usageError(`${input} begins with ${what}, not with an event`, convert(filter));
}

/** Location of a list of events in the line: '' for the line itself, a member's name, or undefined. */
function listIn(text: string): string | undefined {
  // Fast path: most lines are single events.
  if (!text.startsWith('[') && !/"(?:events|batch)"\s*:\s*\[/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (Array.isArray(value)) return '';
  if (typeof value !== 'object' || value === null || 'event' in value) return undefined;
  return Object.entries(value).find(([name, one]) => LISTS.has(name) && Array.isArray(one))?.[0];
}

/** Members that contain events in request bodies. */
const LISTS: ReadonlySet<string> = new Set(['events', 'batch']);

/** The events of several files, in order. Throws CliError `usage` for an unreadable file. */
export async function* eventsOfFiles(paths: readonly string[], newId: () => string): EventSource {
  for (const path of paths) {
    // Open the file first, to distinguish a missing file from a read error.
    const file = await open(path).catch((error: unknown) => {
      const reason = codeOf(error) === 'ENOENT' ? 'no such file' : error;
      throw usageError(
        `cannot read ${path}: ${reason instanceof Error ? reason.message : String(reason)}`,
        'Check its name',
      );
    });
    yield* eventsOfLines(file.createReadStream({ highWaterMark: 256 * 1024 }), path, newId);
  }
}

/** Exactly one event. */
export async function* oneEvent(json: string, newId: () => string): EventSource {
  yield [outgoingEvent(Buffer.from(json), { file: null, line: 1 }, newId)];
}

/** True if an argument is a file name, not an event name. */
export function isFileName(word: string): boolean {
  return /\.(ndjson|jsonl|json)$/i.test(word) || word.includes('/') || word.includes('\\');
}
