/** How streams are called, and where in the log they are. */
import { StreamError } from './stream-error.js';

/** A stream: the project it belongs to, and its name there. */
export interface StreamKey {
  readonly project: string;
  readonly name: string;
}

const MAX_NAME_BYTES = 512;
const RECORDS = 'streams:';
const DATA = 'stream:';

/**
 * Makes a key.
 * @throws StreamError `invalid_stream_name`
 */
export function keyOf(project: string, name: string): StreamKey {
  const bytes = Buffer.byteLength(name);
  const isSound =
    bytes >= 1 &&
    bytes <= MAX_NAME_BYTES &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    !/[\u0000-\u001f\u007f]/.test(name) &&
    name.isWellFormed() &&
    !name.split('/').some((segment) => segment === '' || segment === '.' || segment === '..');
  if (isSound) return { project, name };
  throw new StreamError('invalid_stream_name', `${JSON.stringify(name.slice(0, 100))} names no stream`);
}

/** The log's stream with a stream's content. A project's id has no colon. */
export function dataStream({ project, name }: StreamKey): string {
  return `${DATA}${project}:${name}`;
}

/** The log's stream with what is known of a stream. */
export function recordStream({ project, name }: StreamKey): string {
  return `${RECORDS}${project}:${name}`;
}

/** Starts the names of all record streams. */
export const RECORD_PREFIX = RECORDS;

/** The key a record stream is of. */
export function keyIn(stream: string): StreamKey {
  const colon = stream.indexOf(':', RECORDS.length);
  return { project: stream.slice(RECORDS.length, colon), name: stream.slice(colon + 1) };
}
