import { basename, dirname } from 'node:path';
import { type Logger, pino, stdTimeFunctions } from 'pino';
import { createStream } from 'rotating-file-stream';

const SIZE = '1M';
const FILES = 3;

/** The log of a bus: lines of JSON in a file that makes place for a new one when it is full. */
export interface BusLog {
  readonly logger: Logger;
  /** Resolves when everything is written. */
  close(): Promise<void>;
}

/** Opens `path`, and keeps at most three older ones, `path.1` the newest, 1 MB each. */
export function openBusLog(path: string): BusLog {
  const name = basename(path);
  const stream = createStream(name, {
    path: dirname(path),
    size: SIZE,
    rotate: FILES,
    mode: 0o600,
  });
  // A disk that is full costs lines of the log, and nothing else.
  stream.on('error', () => {});
  const logger = pino({ base: { bus: process.pid }, timestamp: stdTimeFunctions.isoTime }, stream);
  return {
    logger,
    close: () => new Promise((resolve) => void stream.end(() => resolve())),
  };
}
