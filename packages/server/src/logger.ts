import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import pretty from 'pino-pretty';

/** The server's logger: JSON lines on standard output, or lines for people where that is a terminal. */
export function createLogger(level: string): Logger {
  const options: LoggerOptions = { level, base: null, serializers: { err: describeError } };
  if (!process.stdout.isTTY) return pino(options);
  // The cast holds: pino-pretty's stream is what pino writes to.
  return pino(options, pretty({ colorize: true, ignore: 'pid,hostname' }) as DestinationStream);
}

/**
 * An error as a log shows it. A failed statement of the relational store carries its SQL and values: only what failed
 * underneath is told.
 */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  if ('query' in error && error.cause instanceof Error) return describeError(error.cause);
  const code = 'code' in error && error.code !== undefined ? { code: error.code } : {};
  const cause = error.cause instanceof Error ? { cause: error.cause.message } : {};
  return { type: error.name, message: error.message, ...code, ...cause, stack: error.stack };
}
