/** Names of streams, and of the log streams that store them. */
import { StreamError } from './stream-error.js';

/** A stream: its project and its name in the project. */
export interface StreamKey {
  readonly project: string;
  readonly name: string;
}

const MAX_NAME_BYTES = 512;
const RECORDS = 'streams:';
const DATA = 'stream:';

/**
 * Validates a name and returns its key.
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
  throw new StreamError(
    'invalid_stream_name',
    `${JSON.stringify(name.slice(0, 100))} is not a valid stream name`,
  );
}

/** The log stream with the content of a stream. A project id contains no colon. */
export function dataStream({ project, name }: StreamKey): string {
  return `${DATA}${project}:${name}`;
}

/** The log stream with the record of a stream. */
export function recordStream({ project, name }: StreamKey): string {
  return `${RECORDS}${project}:${name}`;
}

/** The name prefix of all record streams. */
export const RECORD_PREFIX = RECORDS;

/** The key of a record stream. */
export function keyIn(stream: string): StreamKey {
  const colon = stream.indexOf(':', RECORDS.length);
  return { project: stream.slice(RECORDS.length, colon), name: stream.slice(colon + 1) };
}
