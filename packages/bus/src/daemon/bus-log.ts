import { basename, dirname } from 'node:path';
import { type Logger, pino, stdTimeFunctions } from 'pino';
import { createStream } from 'rotating-file-stream';

const SIZE = '1M';
const FILES = 3;

/** The log of a bus: JSON lines in a rotated file. */
export interface BusLog {
  readonly logger: Logger;
  /** Resolves when all lines are written. */
  close(): Promise<void>;
}

/** Opens `path`. Rotation keeps at most three older files of 1 MB each; `path.1` is the newest. */
export function openBusLog(path: string): BusLog {
  const name = basename(path);
  const stream = createStream(name, {
    path: dirname(path),
    size: SIZE,
    rotate: FILES,
    mode: 0o600,
  });
  // A full disk may lose log lines, but must not stop the bus.
  stream.on('error', () => {});
  const logger = pino({ base: { bus: process.pid }, timestamp: stdTimeFunctions.isoTime }, stream);
  return {
    logger,
    close: () => new Promise((resolve) => void stream.end(() => resolve())),
  };
}
