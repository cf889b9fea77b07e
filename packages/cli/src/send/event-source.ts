/** Where events come from: the command line, files of NDJSON, or standard input. */

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

/** Events as they come, several at once. */
export type EventSource = AsyncIterable<(OutgoingEvent | UnsendableEvent)[]>;

/** Lines of NDJSON; `file` names them where they are refused. */
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
 * Refuses JSON that is no NDJSON, by its first line: each line of a pretty-printed document would be a rejected event.
 * @throws CliError `usage` that says how to make NDJSON of it
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

/** What holds a line's list of events: '' for the line itself, a member's name, undefined for none. */
function listIn(text: string): string | undefined {
  // Most lines are events, which need no second reading.
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

/** Members that hold events in the bodies of requests. */
const LISTS: ReadonlySet<string> = new Set(['events', 'batch']);

/** The events of files, one file after the other. Throws CliError `usage` for one that cannot be read. */
export async function* eventsOfFiles(paths: readonly string[], newId: () => string): EventSource {
  for (const path of paths) {
    // Opened first, so that a missing file is told from one that fails in the middle.
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

/** Whether a word of the command line is a file's name rather than an event's. */
export function isFileName(word: string): boolean {
  return /\.(ndjson|jsonl|json)$/i.test(word) || word.includes('/') || word.includes('\\');
}
