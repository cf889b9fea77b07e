import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import pretty from 'pino-pretty';

/** The server's logger: JSON lines on standard output, or lines for people where that is a terminal. */
export function createLogger(level: string): Logger {
  const options: LoggerOptions = { level, base: undefined };
  if (!process.stdout.isTTY) return pino(options);
  // The cast holds: pino-pretty's stream is what pino writes to.
  return pino(options, pretty({ colorize: true, ignore: 'pid,hostname' }) as DestinationStream);
}
