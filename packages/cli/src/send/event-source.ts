/** Where events come from: the command line, files of NDJSON, or standard input. */
import { open } from 'node:fs/promises';
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
  for await (const lines of readLines(bytes, MAX_EVENT_BYTES)) {
    yield lines.map((line) => outgoingEvent(line.bytes, { file, line: line.number }, newId));
  }
}

/** The events of files, one file after the other. Throws CliError `usage` for one that cannot be read. */
export async function* eventsOfFiles(paths: readonly string[], newId: () => string): EventSource {
  for (const path of paths) {
    // Opened first, so that a missing file is told from one that fails in the middle.
    const file = await open(path).catch((error: unknown) => {
      const reason =
        error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'no such file' : error;
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
